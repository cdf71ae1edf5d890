"""Executions as they are shown: what became of each occurrence, and of every attempt at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from api_service.schemas import fields as ours
from shared.domain.firing import Execution
from shared.domain.ids import firing_name


class AttemptAnswer(Schema):
    """One HTTP request that was made for a firing."""

    attempt = fields.Integer(metadata={"description": "Counts from 1.", "example": 1})
    started = ours.Moment(data_key="startedDate")
    duration_ms = fields.Integer(data_key="durationMs", metadata={"example": 87})
    status_code = fields.Integer(
        data_key="statusCode",
        allow_none=True,
        metadata={"description": "What the receiver answered; null where no answer came.", "example": 200},
    )
    error = fields.String(
        allow_none=True, metadata={"description": "Where it failed: connect, tls, timeout, protocol, status, refused."}
    )
    dispatcher = fields.String(metadata={"description": "Who made the request."})
    epoch = fields.Integer(metadata={"description": "Which ownership of the event's shard it was made in."})
    stale = fields.Boolean(metadata={"description": "Whether that ownership was over when it was reported."})


class ExecutionAnswer(Schema):
    """A firing and its attempts, or a stretch of occurrences that were skipped."""

    execution_id = fields.String(
        data_key="executionId", metadata={"description": "The `webhook-id` that the receiver saw."}
    )
    event_id = fields.String(data_key="eventId")
    status = fields.String(
        validate=validate.OneOf([status.value for status in Execution]),
        metadata={"description": "PENDING: triggered and not yet attempted.", "example": "DELIVERED"},
    )
    nominal = ours.Moment(
        data_key="nominalDate", metadata={"description": "When it was due; of a stretch, when the first was."}
    )
    last = ours.Moment(data_key="lastDate", metadata={"description": "When the last of a stretch was due."})
    count = fields.Integer(metadata={"description": "How many occurrences this stands for.", "example": 1})
    manual = fields.Boolean(metadata={"description": "Whether it was triggered by hand."})
    reason = fields.String(allow_none=True, metadata={"description": "Why it was skipped: misfired, paused or ended."})
    recorded = ours.Moment(data_key="recordedDate")
    attempts = fields.List(fields.Nested(AttemptAnswer))


_ANSWER = ExecutionAnswer()


def show_execution(execution: Any) -> Mapping[str, Any]:
    """The row of the ledger as JSON; what the ledger leaves empty is null."""
    shown: dict[str, Any] = _ANSWER.dump(execution)
    name = firing_name(execution.event_id, execution.nominal, manual=execution.manual)
    for attempt in shown["attempts"]:
        attempt |= {field: attempt[field] or None for field in ("statusCode", "error")}
    return {"executionId": name} | shown | {"reason": shown["reason"] or None}
