"""What may be asked of an event's executions: which of them, from where on, and that those which failed be replayed.

A page begins where the one before ended, at an execution and not at a number: what is added meanwhile moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.cursors import Cursor, flag_part, instant_part, write_cursor
from api_service.schemas.paging import Ranged, page_limit
from api_service.schemas.query_string import parse
from api_service.schemas.reading import read
from shared.domain.firing import Execution
from shared.timing.instants import Instant


class ExecutionsPage(Ranged):
    """Which part of which executions of an event."""

    refused: ClassVar[Mapping[str, str]] = {
        "offset": "is not taken here, since executions come while you read; send meta.next of the page before as cursor"
    }

    status = ours.Items(
        ours.Choice(*(status.value for status in Execution)),
        most=limits.FILTER_ITEMS,
        single=True,
        metadata={"description": "Any of these statuses."},
    )
    since = ours.Moment(data_key="from", metadata={"description": "Nominal then or later."})
    until = ours.Moment(data_key="to", metadata={"description": "Nominal before then."})
    manual = ours.Flag(metadata={"description": "Those by hand alone, or those of the series alone."})
    limit = page_limit()
    cursor = Cursor(instant_part, flag_part, metadata={"description": "`meta.next` of the page before."})


class ReplayRequest(Ranged):
    """Which of the executions that failed are to be attempted again."""

    since = ours.Moment(
        data_key="from",
        required=True,
        metadata={"description": "Nominal then or later.", "example": "2030-03-17T17:00:00Z"},
    )
    until = ours.Moment(
        data_key="to",
        required=True,
        metadata={"description": "Nominal before then.", "example": "2030-03-17T18:00:00Z"},
    )
    dry_run = ours.Flag(
        data_key="dryRun", load_default=False, metadata={"description": "Only say how many it would be."}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionsWanted:
    """Which part of which executions; what is None lets all through. `before` is a nominal instant, and by hand."""

    statuses: frozenset[Execution] | None
    since: Instant | None
    until: Instant | None
    manual: bool | None
    limit: int
    before: tuple[Instant, bool] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWanted:
    """Those that failed, nominal from `since` on and before `until`; or only how many they are."""

    since: Instant
    until: Instant
    dry_run: bool


EXECUTIONS_PAGE = ExecutionsPage()
REPLAY = ReplayRequest()


def read_executions_wanted(raw: str) -> ExecutionsWanted:
    """What a query string asks for; raises InvalidInput with every problem."""
    given = read(EXECUTIONS_PAGE, parse(raw), name="the query string")
    return ExecutionsWanted(
        statuses=frozenset(map(Execution, given["status"])) if given.get("status") else None,
        since=given.get("since"),
        until=given.get("until"),
        manual=given.get("manual"),
        limit=given["limit"],
        before=given.get("cursor"),
    )


def read_replay(sent: Any) -> ReplayWanted:
    """What a body asks for; raises InvalidInput with every problem."""
    return ReplayWanted(**read(REPLAY, sent))


def cursor_after(nominal: Instant, *, manual: bool) -> str:
    """The place right after this execution, for the reader to come back to."""
    return write_cursor(nominal, manual)
