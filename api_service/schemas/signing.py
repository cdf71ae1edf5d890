"""Signing secrets as they are rotated and shown: the secret once, and afterwards only since when and until when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict, read
from shared.timing.instants import Instant

SAID: Final = {
    "description": (
        "What callbacks are signed with, as Standard Webhooks have it: base64 after whsec_. It is not shown again."
    ),
    "example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
}


class SigningRotation(Strict):
    """What a client says to get a new signing secret."""

    overlap_seconds = ours.Whole(
        least=0,
        most=limits.SIGNING_OVERLAP_SECONDS,
        load_default=limits.SIGNING_OVERLAP_DEFAULT,
        data_key="overlapSeconds",
        metadata={"description": "How long the other secrets go on signing at the most; 0 ends them at once."},
    )


class NewSigningSecretAnswer(Schema):
    """A new secret, which is shown this once."""

    signing_secret = fields.String(data_key="signingSecret", metadata=SAID)
    overlap_until = ours.Moment(
        data_key="overlapUntil", metadata={"description": "Until then the other secrets sign too, at the most."}
    )


class SecretDatesAnswer(Schema):
    """A secret by its dates."""

    created_date = ours.Moment(data_key="createdDate")
    until = ours.Moment(
        allow_none=True,
        metadata={"description": "From then on it signs nothing; null where it goes on until it is replaced."},
    )


class SigningSecretAnswer(Schema):
    """What callbacks are signed with at the moment, without the secrets themselves."""

    generation = fields.Integer(metadata={"description": "Rises with every rotation."})
    secrets = fields.List(fields.Nested(SecretDatesAnswer), metadata={"description": "Newest first."})


ROTATION = SigningRotation()
_NEW_ANSWER = NewSigningSecretAnswer()
_ANSWER = SigningSecretAnswer()


def read_signing_rotation(sent: Any) -> int:
    """For how many seconds the other secrets go on; raises InvalidInput."""
    seconds: int = read(ROTATION, sent)["overlap_seconds"]
    return seconds


def show_new_secret(signing_secret: str, overlap_until: Instant) -> dict[str, Any]:
    """The new secret as JSON."""
    shown: dict[str, Any] = _NEW_ANSWER.dump({"signing_secret": signing_secret, "overlap_until": overlap_until})
    return shown


def show_secrets(generation: int, secrets: Iterable[Any]) -> dict[str, Any]:
    """What is known of the secrets as JSON."""
    shown: dict[str, Any] = _ANSWER.dump({"generation": generation, "secrets": list(secrets)})
    return shown
