"""Applications as they are registered and shown."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.reading import Strict, read
from api_service.schemas.signing import SAID


class Registration(Strict):
    """What a client says to register an application."""

    app_name = ours.AppName(
        longest=limits.APP_NAME_LENGTH,
        data_key="appName",
        required=True,
        metadata={"description": "The application's name, which no other has.", "example": "RLP"},
    )


class ApplicationAnswer(Schema):
    """A registered application with its key and its signing secret, which are shown this once."""

    app_name = fields.String(data_key="appName", metadata={"example": "RLP"})
    api_key = fields.String(
        data_key="apiKey",
        metadata={"description": "Send it as X-API-Key with every other request. It is not shown again."},
    )
    signing_secret = fields.String(data_key="signingSecret", metadata=SAID)


REGISTRATION = Registration()
_ANSWER = ApplicationAnswer()


def read_registration(sent: Any) -> str:
    """The name that is to be registered; raises InvalidInput."""
    name: str = read(REGISTRATION, sent)["app_name"]
    return name


def show_application(app_name: str, api_key: str, signing_secret: str) -> dict[str, Any]:
    """The application as JSON."""
    shown: dict[str, Any] = _ANSWER.dump({
        "app_name": app_name,
        "api_key": api_key,
        "signing_secret": signing_secret,
    })
    return shown
