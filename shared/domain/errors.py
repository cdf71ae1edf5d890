"""What may be refused, each refusal once; a docstring is the message a person reads."""

from __future__ import annotations

from collections.abc import Sequence


class DomainError(Exception):
    """The request cannot be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")


class InvalidInput(DomainError):
    """The request has problems; every one of them is listed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Unprocessable(InvalidInput):
    """The request can be read, and what it asks for cannot be; every problem is listed."""


class EventNotFound(DomainError):
    """There is no event with this id."""


class ExecutionNotFound(DomainError):
    """The event has no execution with this id."""


class ExecutionIsDelivered(DomainError):
    """The execution is DELIVERED and is not attempted again; to call back once more, trigger the event."""


class ExecutionIsUnderWay(DomainError):
    """The execution is still under way; wait until nextAttemptDate, and replay it once it has FAILED."""


class ExecutionIsStretch(DomainError):
    """This stands for a stretch of skipped occurrences, and only a single one is replayed; trigger the event."""


class ExecutionIsWornOut(DomainError):
    """The execution has been attempted more often than can be counted; trigger the event instead."""


class EventHasChanged(DomainError):
    """The event has another version than If-Match asks for; get it anew and send its ETag."""


class AccountUserNotFound(DomainError):
    """There is no account user with this id."""


class ScheduleNotFound(DomainError):
    """There is no schedule with this id."""


class OnCallEventNotFound(DomainError):
    """There is no on-call event with this id."""


class AccountUserAttends(DomainError):
    """The account user attends on-call events; give those to somebody else, or delete them, first."""

    def __init__(self, event_ids: Sequence[str], count: int) -> None:
        more = f" and {count - len(event_ids)} more" if count > len(event_ids) else ""
        named = f"{', '.join(event_ids)}{more}"
        super().__init__(
            f"The account user attends {named}; give those events to somebody else, or delete them, first."
        )


class ObjectHasChanged(DomainError):
    """This has changed since If-Match's ETag was given; get it anew and send its ETag."""


class EventIsFinished(DomainError):
    """The event is FINISHED and can no longer be changed, unless the change gives it a new endDate."""


class EventIsSubscription(DomainError):
    """The event subscribes to a schedule, and is changed and deleted with it."""

    def __init__(self, schedule_id: str, event_id: str) -> None:
        path = f"/api/v4/schedules/{schedule_id}/subscriptions/{event_id}"
        super().__init__(f"The event subscribes to a schedule: change or delete it at {path}.")


class SubscriptionNotFound(DomainError):
    """The schedule has no subscription with this id."""


class EventIsPaused(DomainError):
    """The event is PAUSED; resume it first."""


class NameTaken(DomainError):
    """An application of this appName is registered already; choose another name."""


class NotAuthenticated(DomainError):
    """A valid API key is needed, as Authorization: Bearer or in the header X-API-Key."""


class KeyNotFound(DomainError):
    """There is no key with this id."""


class FeedTokenNotFound(DomainError):
    """This feed has no token with this id."""


class TooManyFeedTokens(DomainError):
    """The feed has as many tokens as it may; revoke one with DELETE …/feed_tokens/:token_id first."""


class LastKey(DomainError):
    """This is the application's last valid key; make another with POST /v1/keys, and revoke this one with that."""


class TooManyKeys(DomainError):
    """The application has as many valid keys as it may; revoke one with DELETE /v1/keys/:key-id first."""


class TooManySecrets(DomainError):
    """As many signing secrets as may sign at once do; wait until one ends, or end all with overlapSeconds 0."""


class RegistrationClosed(DomainError):
    """Registering needs the operator's token in the header X-Registration-Token."""


class QuotaExceeded(DomainError):
    """The application has as many events as it may, finished ones too; delete some, or ask the operator for more."""


class QuotaTooSmall(QuotaExceeded):
    """The application may not have as many events more."""

    def __init__(self, wanted: int, fit: int) -> None:
        super().__init__(
            f"The application may have {fit} events more, finished ones counted, and not {wanted}; none was created. "
            "Send fewer, delete some, or ask the operator for more."
        )


class TooManyRequests(DomainError):
    """The application asks faster than it may; try again after as many seconds as Retry-After says."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  # whole seconds, at least one


class KeyReused(DomainError):
    """This Idempotency-Key was used before with a different request; send another key with this one."""


class Unavailable(DomainError):
    """The service cannot reach what it needs at the moment; try again shortly."""


class TookTooLong(Unavailable):
    """There is too much to do at the moment, and nothing was done; try again shortly, or with fewer events."""


class SchemaBehind(Unavailable):
    """The database's schema is older than this release needs; bring it up to date."""

    def __init__(self, found: int, needed: int) -> None:
        way_out = "run `python -m api_service migrate`"
        super().__init__(f"is at migration {found}, and this release needs {needed}: {way_out}")


class NotAnOccurrence(DomainError):
    """The action_time is not the start of an occurrence."""

    def __init__(self, nearest: Sequence[str]) -> None:
        way_out = f"the nearest are {' and '.join(nearest)}" if nearest else "the event has none that could be meant"
        super().__init__(f"action_time is not the start of an occurrence; {way_out}")
        self.nearest = tuple(nearest)


class RegularEvent(DomainError):
    """action_time cannot become an exception, for the event does not repeat; delete the event instead."""


class OverrideMissesOccurrence(DomainError):
    """The override lies outside the occurrence."""

    def __init__(self, start: str, end: str) -> None:
        super().__init__(f"start_time and end_time must overlap the occurrence, which is from {start} to {end}")


class TooManyOccurrences(DomainError):
    """The override overlaps too many occurrences."""

    def __init__(self, most: int) -> None:
        super().__init__(f"end_time must be sooner: the override would overlap more than {most} occurrences")


class OccurrenceIsOverridden(DomainError):
    """The occurrence is overridden already."""

    def __init__(self, start: str, instead: str) -> None:
        super().__init__(f"the occurrence of {start} is overridden already; override {instead} instead")
        self.instead = instead  # the id of the event that stands for it


class OccurrenceTaken(DomainError):
    """Somebody else has just taken out the same occurrence; get the event anew."""


class WindowTooFull(DomainError):
    """The window has too many occurrences for one answer."""

    def __init__(self, most: int) -> None:
        super().__init__(f"start and end have more than {most} occurrences between them; ask for a shorter window")


class NotAnOverride(DomainError):
    """The event is no override, so there is nothing to restore; delete it without restore."""
