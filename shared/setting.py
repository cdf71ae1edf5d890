"""One setting: how its text becomes a value, and how the value is shown. It reads no environment."""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, Final
from urllib.parse import urlsplit

from shared.domain.egress import Egress


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable: its name, what it does, its default (None: it must be set), and how it is checked."""

    name: str
    what: str
    default: str | None
    kind: str = "text"  # text | choice | secret | integer | number | postgres | amqp | smtp | address | egress
    least: float = 0
    most: float = 0
    choices: tuple[str, ...] = ()


def value_of(setting: Setting, given: str | None) -> Any:
    """What the text means, or the default where there is none; raises ValueError, which says what it must be."""
    text = given if given is not None and given.strip() else setting.default
    if text is None:
        message = "must be set"
        raise ValueError(message)
    if setting.kind in _SCHEMES:
        return _url(text, setting.kind) if text else text
    if setting.kind == "choice":
        return _choice(text, setting.choices)
    if setting.kind == "address":
        return _address(text)
    if setting.kind in _NUMBERS:
        return _number(setting, text)
    return Egress.of(text) if setting.kind == "egress" else text


_SCHEMES: Final = {"postgres": ("postgresql", "postgres"), "amqp": ("amqp", "amqps"), "smtp": ("smtp", "smtps")}
_NUMBERS: Final[dict[str, type[int] | type[float]]] = {"integer": int, "number": float}


def _url(text: str, kind: str) -> str:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in _SCHEMES[kind]:
        message = f"must be a URL that starts with {_SCHEMES[kind][0]}://"  # its value may hold a password: not shown
        raise ValueError(message)
    # What stands behind the host may be the rest of a password with a slash in it.
    behind = parts.path.strip("/") + parts.query + parts.fragment
    if "@" in behind:
        message = "must have no @ behind its host; percent-encode / ? # @ in a password"
        raise ValueError(message)
    if kind == "smtp" and (not parts.hostname or behind):
        message = "must name a host and nothing behind it; percent-encode / ? # @ in a password"
        raise ValueError(message)
    return text


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text.lower() not in choices:
        message = f"must be one of {', '.join(choices)}, not {text!r}"
        raise ValueError(message)
    return text.lower()


def _address(text: str) -> str:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        address = Address()
    if not (address.username and address.domain and text.isascii()):
        message = f"must be an e-mail address, not {text!r}"
        raise ValueError(message)
    return text


def _number(setting: Setting, text: str) -> int | float:
    number = _NUMBERS[setting.kind]
    try:
        value = number(text)
    except ValueError:
        value = number("-1") if setting.least >= 0 else number("0")
    if not setting.least <= value <= setting.most:
        message = f"must be a number from {setting.least:g} to {setting.most:g}, not {text!r}"
        raise ValueError(message)
    return value


def shown(setting: Setting, value: Any) -> Any:
    """The value for a log: no secret, and of a URL only where it leads."""
    if setting.kind == "secret":
        return "set" if value else "not set"
    if setting.kind == "egress":
        return str(value)
    if setting.kind in _SCHEMES:
        if not value:
            return "not set"
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    return value
