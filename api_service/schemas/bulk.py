"""What may be done to many events at once, and what came of it. Nothing means all of them but a word that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.listing import EventsWanted, QueryEvent, events_wanted
from api_service.schemas.reading import Strict, read

_NEITHER = "is needed with at least one filter, or all: true for every event of the application"


class BulkRequest(Strict):
    """Which events."""

    query = fields.Nested(
        QueryEvent,
        error_messages=ours.SAID,
        metadata={"description": "The filters of the list of events, at least one of them. Or `all`."},
    )
    all = ours.Flag(metadata={"description": "true for every event of the application, instead of `query`."})
    dry_run = ours.Flag(
        data_key="dryRun",
        load_default=False,
        metadata={"description": "Count, and change nothing."},
    )

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _meant(self, valid: dict[str, Any], sent: Any, **_: Any) -> None:
        """Told with whatever else is wrong, so it goes by what was sent: of a query with problems not all is valid."""
        if not isinstance(sent, dict) or ("all" in sent and "all" not in valid):
            return
        query = sent.get("query", {})
        if valid.get("all"):
            if "query" in sent:
                raise ValidationError("goes without all: true; leave one of them out", "query")
        elif isinstance(query, dict) and not any(query.values()):
            raise ValidationError(_NEITHER, "query")


class BulkFailure(Schema):
    """An event that was left as it is, and why."""

    event_id = fields.String(data_key="eventId", required=True)
    reason = fields.String(required=True)


class BulkAnswer(Schema):
    """What came of it: `matched` is the sum of `changed`, `unchanged` and `remaining`."""

    matched = fields.Integer(metadata={"description": "Events that matched when the request came."})
    changed = fields.Integer(metadata={"description": "Events that are, or in a dry run would be, changed."})
    unchanged = fields.Integer(
        metadata={"description": "Events that need no change: paused or running already, finished, or gone meanwhile."}
    )
    remaining = fields.Integer(
        metadata={"description": "Events that are still to be changed: ask again until this is 0."}
    )
    failed = fields.List(
        fields.Nested(BulkFailure),
        metadata={"description": f"Some of what remains, and why; at most {limits.BULK_FAILURES}."},
    )
    dry_run = fields.Boolean(data_key="dryRun")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWanted:
    """Which events, and whether it is a question only."""

    which: EventsWanted
    dry_run: bool


BULK = BulkRequest()


def read_bulk(sent: Any) -> BulkWanted:
    """What is to be done to which events; raises InvalidInput with every problem."""
    given = read(BULK, sent)
    which = events_wanted(given.get("query", {}), limit=limits.BULK_EVENTS, offset=0)
    return BulkWanted(which=which, dry_run=given["dry_run"])


def show_bulk(came: Any, *, dry_run: bool) -> dict[str, Any]:
    """What came of it as JSON."""
    return {
        "matched": came.matched,
        "changed": came.changed,
        "unchanged": came.unchanged,
        "remaining": came.remaining,
        "failed": [{"eventId": event_id, "reason": reason} for event_id, reason in came.failed],
        "dryRun": dry_run,
    }
