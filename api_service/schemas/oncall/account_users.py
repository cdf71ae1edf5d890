"""Account users as they are asked for, changed, listed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields

from api_service import limits
from api_service.schemas import fields as strict
from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.reading import Lenient, read_fields
from api_service.wanted import Kind
from shared.domain.schedule import AccountUser
from shared.timing.zone_names import iana

ATTRIBUTES: Final[Mapping[str, Kind]] = {
    "id": Kind.ID,
    "prefix_id": Kind.ID,
    "tiny_id": Kind.WHOLE,
    "name": Kind.TEXT,
    "email": Kind.TEXT,
    "time_zone": Kind.TEXT,
    "created_at": Kind.MOMENT,
    "updated_at": Kind.MOMENT,
}

_ABOUT: Final = {
    "name": {"description": "What the person is called.", "example": "Ada Lovelace"},
    "email": {"description": "The person's e-mail address.", "example": "ada@example.com"},
    "time_zone": {"description": "The person's own time zone: a listed name, or IANA's.", "example": "London"},
    "meta": {"description": "Whatever you like, as a JSON object; it is kept and shown.", "example": {"team": "core"}},
}


class AccountUserCreation(Lenient):
    """Who may be on call."""

    name = ours.Text(longest=limits.ONCALL_NAME_LENGTH, required=True, metadata=_ABOUT["name"])
    email = ours.Email(longest=limits.EMAIL_LENGTH, required=True, metadata=_ABOUT["email"])
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH, load_default="UTC", metadata=_ABOUT["time_zone"])
    meta = ours.Meta(load_default=dict, metadata=_ABOUT["meta"])


class AccountUserChange(Lenient):
    """What of an account user is to be different; what is not named stays."""

    name = ours.Text(longest=limits.ONCALL_NAME_LENGTH, metadata=_ABOUT["name"])
    email = ours.Email(longest=limits.EMAIL_LENGTH, metadata=_ABOUT["email"])
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH, metadata=_ABOUT["time_zone"])
    meta = ours.Meta(metadata=_ABOUT["meta"])


class AccountUserAnswer(Schema):
    """An account user."""

    account_user_id = fields.String(data_key="id", metadata={"example": "01JD8M2Z9T5R0C4V7K3N6P1QXC"})
    prefix_id = fields.String(metadata={"example": "usr_4kTz0QmV8yXw2B"})
    tiny_id = fields.Integer(metadata={"description": "Counts your account users, from 1.", "example": 1})
    name = fields.String()
    email = fields.String()
    time_zone = fields.String(metadata={"example": "London"})
    iana_time_zone = fields.Function(
        lambda user: iana(user.time_zone), metadata={"type": "string", "example": "Europe/London"}
    )
    meta = fields.Dict()
    created_at = strict.Moment()
    updated_at = strict.Moment()


_CREATION, _CHANGE, _ANSWER = AccountUserCreation(), AccountUserChange(), AccountUserAnswer()


def read_new_account_user(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a new account user is to be; raises Unprocessable with every problem."""
    return read_fields(_CREATION, sent)


def read_account_user_changes(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What of an account user is to be different; raises Unprocessable with every problem."""
    return read_fields(_CHANGE, sent)


def show_account_user(user: AccountUser) -> dict[str, Any]:
    """The account user as JSON."""
    shown: dict[str, Any] = _ANSWER.dump(user)
    return shown
