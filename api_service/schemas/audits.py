"""Audits: is every occurrence of a time in the ledger?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.query_string import parse
from api_service.schemas.reading import Strict, read
from shared.domain.firing import Execution
from shared.timing.instants import Instant


class AuditTime(Strict):
    """Which time is to be audited."""

    since = ours.Moment(
        data_key="from",
        metadata={"description": "Occurrences from this date on; where it is left out, as far back as can be proved."},
    )
    until = ours.Moment(
        data_key="to",
        metadata={"description": "Occurrences before this date; before now where it is left out, or later."},
    )


class GapAnswer(Schema):
    """Occurrences, one after the other, that should be in the ledger and are not."""

    first = ours.Moment(data_key="firstDate")
    last = ours.Moment(data_key="lastDate")
    count = fields.Integer(metadata={"example": 3})


class GapsAnswer(Schema):
    """What is missing."""

    missing = fields.Integer(data_key="count", metadata={"description": "How many occurrences in all.", "example": 3})
    gaps = fields.List(
        fields.Nested(GapAnswer), data_key="stretches", metadata={"description": f"The first {limits.AUDIT_SHOWN}."}
    )


class EntryAnswer(Schema):
    """An entry of the ledger that no rule of the event explains."""

    nominal = ours.Moment(data_key="nominalDate")
    last = ours.Moment(data_key="lastDate")
    count = fields.Integer(metadata={"example": 1})
    status = fields.String(validate=validate.OneOf([status.value for status in Execution]))
    reason = fields.String(allow_none=True)


class UnexpectedAnswer(Schema):
    """What is in the ledger, and should not be."""

    unexpected_count = fields.Integer(
        data_key="count", metadata={"description": "How many entries in all.", "example": 0}
    )
    unexpected = fields.List(
        fields.Nested(EntryAnswer), data_key="entries", metadata={"description": f"The first {limits.AUDIT_SHOWN}."}
    )


class RecordedAnswer(Schema):
    """How many occurrences are in the ledger, by what became of them."""

    delivered = fields.Integer(data_key="DELIVERED", metadata={"example": 3590})
    failed = fields.Integer(data_key="FAILED", metadata={"example": 1})
    skipped = fields.Integer(data_key="SKIPPED", metadata={"example": 9})
    retrying = fields.Integer(data_key="RETRYING", metadata={"example": 0})
    pending = fields.Integer(data_key="PENDING", metadata={"example": 0})


class AuditAnswer(Schema):
    """What the rule's history says was due, and what the ledger says of it."""

    since = ours.Moment(data_key="from", metadata={"description": "The occurrences from this date on,"})
    until = ours.Moment(data_key="to", metadata={"description": "and before this one: never later than now."})
    complete = fields.Boolean(
        metadata={
            "description": "It is proved that the ledger has every occurrence of the time, but for those under way."
        }
    )
    known_from = ours.Moment(
        data_key="knownFrom",
        metadata={
            "description": "Since when it is known which rule was in force. What was due before cannot be proved, "
            "unless the event was created then."
        },
    )
    retained_from = ours.Moment(
        data_key="retainedFrom",
        metadata={
            "description": "The ledger may have forgotten what was due before: then that cannot be proved either."
        },
    )
    settled_through = ours.Moment(
        data_key="settledThrough", metadata={"description": "Up to this date every occurrence must be in the ledger."}
    )
    expected = fields.Integer(
        metadata={"description": "How many occurrences were due: recorded, in gaps, or under way.", "example": 3600}
    )
    recorded = fields.Nested(RecordedAnswer)
    under_way = fields.Integer(
        data_key="underWay",
        metadata={"description": "How many are due after settledThrough and not in the ledger yet.", "example": 0},
    )
    gaps = fields.Nested(GapsAnswer)
    unexpected = fields.Nested(UnexpectedAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWanted:
    """The instants from `since` on, where None is as far back as can be, and before `until`, which is not after now."""

    since: Instant | None
    until: Instant


TIME = AuditTime()
_ANSWER = AuditAnswer()


def read_audit_wanted(raw: str, now: Instant) -> AuditWanted:
    """What a query string asks for; raises InvalidInput with every problem."""

    def check(given: Mapping[str, Any]) -> Iterator[str]:
        since, until = given.get("since"), given.get("until")
        if since is not None and until is not None and since >= until:
            yield "from should be before to"
        elif since is not None and since >= now:
            yield "from should be in the past"

    given = read(TIME, parse(raw), check, name="the query string")
    return AuditWanted(since=given.get("since"), until=min(given.get("until", now), now))


def show_audit(audit: Any) -> dict[str, Any]:
    """The audit as JSON."""
    reckoning = audit.reckoning
    shown: dict[str, Any] = _ANSWER.dump({
        "since": audit.since,
        "until": audit.until,
        "complete": audit.complete,
        "known_from": audit.known_from,
        "retained_from": audit.retained_from,
        "settled_through": reckoning.settled,
        "expected": reckoning.expected,
        "recorded": {status.name.lower(): reckoning.recorded[status] for status in Execution},
        "under_way": reckoning.under_way,
        "gaps": reckoning,
        "unexpected": reckoning,
    })
    for entry in shown["unexpected"]["entries"]:
        entry["reason"] = entry["reason"] or None
    return shown
