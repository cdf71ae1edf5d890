"""Executions as they are shown: what became of each occurrence, and of every attempt at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from api_service.schemas import fields as ours
from shared.domain.firing import AttemptError, Execution, FailReason, SkipReason
from shared.domain.ids import firing_name

_ERRORS = ", ".join(error for error in AttemptError if error)
_UNFINISHED = frozenset({Execution.PENDING, Execution.RETRYING})


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
    error = fields.String(allow_none=True, metadata={"description": f"Where it failed: {_ERRORS}."})
    dispatcher = fields.String(metadata={"description": "Who made the request."})
    epoch = fields.Integer(metadata={"description": "Which ownership of the event's shard it was made in."})
    stale = fields.Boolean(metadata={"description": "Whether that ownership was over when it was reported."})


class ResponseAnswer(Schema):
    """What is kept of a receiver's answer; values of the event's own headers in it read ***."""

    headers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "A few that help.", "example": {"content-type": "text/plain"}},
    )
    body = fields.String(metadata={"description": "Its first 4 KiB, as UTF-8.", "example": "out of stock"})
    truncated = fields.Boolean(metadata={"description": "Whether there was more of it."})


class AttemptDetail(AttemptAnswer):
    """One HTTP request that was made for a firing, and its answer."""

    response = fields.Nested(
        ResponseAnswer, allow_none=True, metadata={"description": "null where no answer came, or none is kept."}
    )


class _Execution(Schema):
    execution_id = fields.String(
        data_key="executionId", metadata={"description": "The `webhook-id` that the receiver saw, at every attempt."}
    )
    event_id = fields.String(data_key="eventId")
    status = fields.String(
        validate=validate.OneOf([status.value for status in Execution]),
        metadata={
            "description": "PENDING: asked for by hand and not yet attempted. RETRYING: another attempt is due.",
            "example": "DELIVERED",
        },
    )
    nominal = ours.Moment(
        data_key="nominalDate", metadata={"description": "When it was due; of a stretch, when the first was."}
    )
    effective = ours.Moment(
        data_key="effectiveDate",
        allow_none=True,
        metadata={"description": "When it was to ring: `spreadSeconds` included. null where it was skipped."},
    )
    started = ours.Moment(
        data_key="startedDate",
        allow_none=True,
        metadata={"description": "When its first attempt began; null where there was none."},
    )
    lateness = fields.Integer(
        data_key="latenessMs",
        allow_none=True,
        metadata={"description": "From effectiveDate to startedDate, in milliseconds.", "example": 3},
    )
    last = ours.Moment(data_key="lastDate", metadata={"description": "When the last of a stretch was due."})
    count = fields.Integer(metadata={"description": "How many occurrences this stands for.", "example": 1})
    manual = fields.Boolean(metadata={"description": "Whether it was triggered by hand."})
    reason = fields.String(
        allow_none=True,
        metadata={
            "description": (
                f"Why it was skipped ({', '.join(SkipReason)}) or has failed ({', '.join(FailReason)}); otherwise null."
            )
        },
    )
    recorded = ours.Moment(data_key="recordedDate", metadata={"description": "When this was last news."})
    next_attempt = ours.Moment(
        data_key="nextAttemptDate",
        allow_none=True,
        metadata={"description": "When the next attempt is due; null where it is PENDING and RETRYING no more."},
    )


class ExecutionAnswer(_Execution):
    """A firing and its attempts, or a stretch of occurrences that were skipped."""

    attempts = fields.List(fields.Nested(AttemptAnswer))


class ExecutionDetail(_Execution):
    """A firing and its attempts with what was answered, or a stretch of occurrences that were skipped."""

    attempts = fields.List(fields.Nested(AttemptDetail))


_ANSWER = ExecutionAnswer()
_DETAIL = ExecutionDetail()


def show_execution(execution: Any) -> Mapping[str, Any]:
    """The row of the ledger as JSON; what the ledger leaves empty is null."""
    return _shown(_ANSWER, execution, [_attempt(attempt) for attempt in execution.attempts])


def show_detail(execution: Any) -> Mapping[str, Any]:
    """The same with what was answered to each attempt."""
    attempts = [{**_attempt(attempt), "response": _response(attempt)} for attempt in execution.attempts]
    return _shown(_DETAIL, execution, attempts)


def _shown(schema: Schema, execution: Any, attempts: list[dict[str, Any]]) -> Mapping[str, Any]:
    effective = execution.effective
    if effective is None and execution.status != Execution.SKIPPED:
        effective = execution.nominal
    started = min((attempt.started for attempt in execution.attempts), default=None)
    shown: dict[str, Any] = schema.dump({
        "execution_id": firing_name(execution.event_id, execution.nominal, manual=execution.manual),
        "event_id": execution.event_id,
        "status": execution.status,
        "nominal": execution.nominal,
        "effective": effective,
        "started": started,
        "lateness": None if started is None or effective is None else started - effective,
        "last": execution.last,
        "count": execution.count,
        "manual": execution.manual,
        "reason": execution.reason or None,
        "recorded": execution.recorded,
        "next_attempt": execution.due if execution.status in _UNFINISHED else None,
        "attempts": attempts,
    })
    return shown


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "attempt": attempt.attempt,
        "started": attempt.started,
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code or None,
        "error": attempt.error or None,
        "dispatcher": attempt.dispatcher,
        "epoch": attempt.epoch,
        "stale": attempt.stale,
    }


def _response(attempt: Any) -> dict[str, Any] | None:
    if attempt.headers is None:
        return None
    body = (attempt.body or b"").decode("utf-8", "replace")
    return {"headers": attempt.headers, "body": body, "truncated": attempt.truncated}
