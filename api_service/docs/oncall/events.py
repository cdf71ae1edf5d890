"""The operations of on-call events, and of what is on a schedule, in words."""

from __future__ import annotations

from api_service import limits
from api_service.docs.oncall.operation import OncallOperation, Shape

_EVENTS, _SCHEDULES = "On-call events", "Schedules"
_EVENT, _SCHEDULE = "/api/v4/events/{id}", "/api/v4/schedules/{id}"
_ACTION_TIME = {"action_time": "2022-11-01T00:00:00.000-07:00"}
_TRIED = "With `dry_run=true` nothing is written, and the answer says who would gain and lose which hours."
_WINDOW = f"The window is from `start` on and before `end`, at most {limits.WINDOW_DAYS} days long."

EVENTS = (
    OncallOperation(
        name="listTimeZones",
        tag=_EVENTS,
        method="get",
        path="/api/v4/events/time_zones",
        summary="List time zones",
        description="The names to choose a `time_zone` from. IANA's names are understood as well.",
        data="TimeZone",
        shape=Shape.ARRAY,
    ),
    OncallOperation(
        name="createOnCallEvent",
        tag=_EVENTS,
        method="post",
        path="/api/v4/events",
        summary="Create an on-call event",
        description=(
            "One occurrence, or with `repeat` a series of them; with `rotation` the attendees take turns. Times "
            f"without an offset are on the wall of the event's `time_zone`. {_TRIED}"
        ),
        status=201,
        data="OnCallEvent",
        body="OnCallEventBody",
        example={
            "start_datetime": "2030-09-02 08:00",
            "end_datetime": "2030-09-09 08:00",
            "layer": 1,
            "time_zone": "Arizona",
            "repeat": True,
            "frequency": 1,
            "frequency_unit": "weekly",
            "rotation": True,
            "schedule_ids": ["01JD8M2Z9T5R0C4V7K3N6P1QXD"],
            "account_user_ids": ["01JD8M2Z9T5R0C4V7K3N6P1QXC"],
        },
        is_once=True,
        is_trial=True,
        refusals=(409,),
    ),
    OncallOperation(
        name="listOnCallEvents",
        tag=_EVENTS,
        method="get",
        path="/api/v4/events",
        summary="List on-call events",
        description="Newest first, unless `sort` says otherwise; filtered by any attribute.",
        data="OnCallEvent",
        shape=Shape.LIST,
    ),
    OncallOperation(
        name="getOnCallEvent",
        tag=_EVENTS,
        method="get",
        path=_EVENT,
        summary="Retrieve an on-call event",
        description="The path takes the ULID or the prefix id.",
        data="OnCallEvent",
    ),
    *(
        OncallOperation(
            name=name,
            tag=_EVENTS,
            method=method,
            path=_EVENT,
            summary="Change an on-call event",
            description=(
                "What is not named stays as it is, with either method. `account_user_ids` takes the place of all "
                f"attendees and their order. `time_zone` alone keeps the times on the wall. {_TRIED}"
            ),
            data="OnCallEvent",
            body="OnCallEventBody",
            example={"layer": 2},
            is_matched=True,
            is_trial=True,
            refusals=(409,),
        )
        for method, name in (("put", "changeOnCallEvent"), ("patch", "changeOnCallEventInPart"))
    ),
    OncallOperation(
        name="deleteOnCallEvent",
        tag=_EVENTS,
        method="delete",
        path=_EVENT,
        summary="Delete an on-call event",
        description=(
            "Its overrides go with it. With `restore=true` an override goes as if it had never been: what it had "
            f"replaced is as it was. {_TRIED}"
        ),
        status=204,
        shape=Shape.NOTHING,
        query=("restore",),
        is_matched=True,
        is_trial=True,
        refusals=(409,),
    ),
    OncallOperation(
        name="overrideOnCallEvent",
        tag=_EVENTS,
        method="post",
        path=f"{_EVENT}/override",
        summary="Override an occurrence",
        description=(
            "The occurrence that starts at `action_time` is taken out of its event; this override takes its place, "
            "and what is left of it before and after stays with whoever had it. What is overridden already is "
            f"refused, and the override to be overridden instead is named. {_TRIED}"
        ),
        status=201,
        data="OnCallEvent",
        body="Override",
        example={
            "start_time": "2022-11-01 08:00",
            "end_time": "2022-11-01 17:00",
            "layer": 1,
            "time_zone": "Arizona",
            "account_user_ids": ["01JD8M2Z9T5R0C4V7K3N6P1QXC"],
            **_ACTION_TIME,
        },
        is_once=True,
        is_matched=True,
        is_trial=True,
        refusals=(409,),
    ),
    OncallOperation(
        name="addException",
        tag=_EVENTS,
        method="post",
        path=f"{_EVENT}/add_exception",
        summary="Take an occurrence out of a series",
        description=f"The occurrence that starts at `action_time` does not happen; turns stay as they are. {_TRIED}",
        data="OnCallEvent",
        body="Occurrence",
        example=_ACTION_TIME,
        is_matched=True,
        is_trial=True,
        refusals=(409,),
    ),
    OncallOperation(
        name="terminateOnCallEvent",
        tag=_EVENTS,
        method="post",
        path=f"{_EVENT}/terminate_on",
        summary="End a series with an occurrence",
        description=(
            "The occurrence that starts at `action_time` and all later ones are gone. If it is the first, the event "
            f"is deleted, and the answer is 204. {_TRIED}"
        ),
        data="OnCallEvent",
        body="Occurrence",
        example=_ACTION_TIME,
        is_matched=True,
        is_trial=True,
        may_delete=True,
        refusals=(409,),
    ),
    OncallOperation(
        name="listOccurrences",
        tag=_EVENTS,
        method="get",
        path=f"{_EVENT}/occurrences",
        summary="List the occurrences of an on-call event",
        description=f"Those that happen and overlap a window. {_WINDOW}",
        data="Shift",
        shape=Shape.ARRAY,
        query=("start", "end"),
        refusals=(422,),
    ),
    OncallOperation(
        name="listScheduleEvents",
        tag=_SCHEDULES,
        method="get",
        path=f"{_SCHEDULE}/events",
        summary="List the on-call events of a schedule",
        description="As they are stored, series as one; newest first, and filtered by any attribute.",
        data="OnCallEvent",
        shape=Shape.LIST,
    ),
    OncallOperation(
        name="listWindowEvents",
        tag=_SCHEDULES,
        method="get",
        path=f"{_SCHEDULE}/window_events",
        summary="List who is on call in a window",
        description=f"Every occurrence that overlaps the window, by start. {_WINDOW}",
        data="Shift",
        shape=Shape.ARRAY,
        query=("start", "end"),
        refusals=(422,),
    ),
    OncallOperation(
        name="listCurrentOncall",
        tag=_SCHEDULES,
        method="get",
        path=f"{_SCHEDULE}/current_oncall",
        summary="List who is on call now",
        description="Or at another time, `at`. Empty where nobody is.",
        data="Shift",
        shape=Shape.ARRAY,
        query=("at",),
        refusals=(422,),
    ),
    OncallOperation(
        name="getCoverage",
        tag=_SCHEDULES,
        method="get",
        path=f"{_SCHEDULE}/coverage",
        summary="Find gaps, and everybody's hours",
        description=(
            "When nobody is on call, layer by layer, and how many hours everybody has, at night and on weekends of "
            f"their own clocks too. As a table where `format` or Accept asks for text/csv. {_WINDOW}"
        ),
        data="Coverage",
        texts=("text/csv",),
        query=("start", "end", "format"),
        refusals=(422,),
    ),
    OncallOperation(
        name="getCoverageTable",
        tag=_SCHEDULES,
        method="get",
        path=f"{_SCHEDULE}/coverage.csv",
        summary="The same as a table",
        description=f"A row for every gap, every layer's covered hours, and everybody's hours in a layer. {_WINDOW}",
        texts=("text/csv",),
        query=("start", "end"),
        refusals=(422,),
    ),
    OncallOperation(
        name="flushSchedule",
        tag=_SCHEDULES,
        method="delete",
        path=f"{_SCHEDULE}/flush",
        summary="Take all on-call events off a schedule",
        description=f"Those that are on no other schedule are deleted. {_TRIED}",
        status=204,
        shape=Shape.NOTHING,
        is_matched=True,
        is_trial=True,
    ),
)
