"""The only reader of the environment: one frozen object a service, every problem at once, secrets never shown."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from shared.domain.egress import Egress

LEASE_SECONDS: Final = 4.0
HEARTBEAT_SECONDS: Final = 5
# A dispatcher that is cut off must have stopped ringing before the broker can give its shards to another.
assert LEASE_SECONDS + 1 <= 2 * HEARTBEAT_SECONDS  # noqa: S101

SHARDS_MAX: Final = 1024


class InvalidSettings(ValueError):
    """The environment has problems; each is one line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable: its name, what it does, its default (None: it must be set), and how it is checked."""

    name: str
    what: str
    default: str | None
    kind: str = "text"  # text | secret | integer | number | postgres | amqp | smtp | address | egress
    least: float = 0
    most: float = 0


_SHARDS: Final = Setting(
    name="SHARDS",
    what="Partitions of all timers; fixed at installation",
    default="64",
    kind="integer",
    least=1,
    most=SHARDS_MAX,
)
_OF_BOTH: Final = (
    Setting(
        name="EGRESS_ALLOW",
        what="Networks, addresses and host names that callbacks may lead to though they are not public, with commas",
        default="",
        kind="egress",
    ),
    Setting(name="BUS_PREFIX", what="First part of the names of all exchanges and queues", default="carillon"),
    Setting(name="LOG_LEVEL", what="debug, info, warning or error", default="info"),
)
API_SETTINGS: Final = (
    Setting(
        name="DATABASE_URL",
        what="PostgreSQL, as postgresql://user:password@host:port/name",
        default=None,
        kind="postgres",
    ),
    Setting(name="AMQP_URL", what="RabbitMQ, as amqp://user:password@host:port/vhost", default=None, kind="amqp"),
    Setting(name="API_HOST", what="Address that the API listens on", default="0.0.0.0"),  # noqa: S104
    Setting(name="API_PORT", what="Port that the API listens on", default="8080", kind="integer", most=65535),
    _SHARDS,
    Setting(
        name="REGISTRATION_TOKEN",
        what="When set, POST /v1/register needs it in X-Registration-Token",
        default="",
        kind="secret",
    ),
    Setting(
        name="RATE_LIMIT",
        what="Requests per second and application that a process answers, and as many at once; 0 is no limit",
        default="500",
        kind="integer",
        most=1_000_000,
    ),
    Setting(
        name="QUOTA_EVENTS",
        what="Events that an application may have; 0 is no limit",
        default="0",
        kind="integer",
        most=10**9,
    ),
    Setting(
        name="DATABASE_POOL",
        what="Connections to PostgreSQL per process",
        default="10",
        kind="integer",
        least=2,
        most=200,
    ),
    Setting(
        name="SMTP_URL",
        what="Mail server for notices to owners of events, as smtp://user:password@host:port or smtps://; empty: none",
        default="",
        kind="smtp",
    ),
    Setting(name="MAIL_FROM", what="Address that mails come from", default="carillon@localhost", kind="address"),
    *_OF_BOTH,
)
DISPATCHER_SETTINGS: Final = (
    Setting(name="AMQP_URL", what="RabbitMQ, as amqp://user:password@host:port/vhost", default=None, kind="amqp"),
    Setting(
        name="DISPATCHER_NAME", what="How the ledger names this dispatcher; the host's name when empty", default=""
    ),
    Setting(name="PROBE_HOST", what="Address of the dispatcher's health and metrics", default="0.0.0.0"),  # noqa: S104
    Setting(
        name="PROBE_PORT",
        what="Port of the dispatcher's health and metrics",
        default="8081",
        kind="integer",
        most=65535,
    ),
    _SHARDS,
    Setting(
        name="RINGS_IN_FLIGHT",
        what="Requests under way at once, at the most",
        default="1000",
        kind="integer",
        least=1,
        most=20_000,
    ),
    Setting(
        name="RINGS_PER_HOST",
        what="Requests under way at once to one host, at the most",
        default="50",
        kind="integer",
        least=1,
        most=5_000,
    ),
    Setting(
        name="RATE_PER_HOST",
        what="Requests that may begin in a second to one host and from one dispatcher, at the most; 0 is no bound",
        default="0",
        kind="number",
        least=0,
        most=100_000,
    ),
    Setting(
        name="BREAKER_FAILURES",
        what="After so many requests in a row to a host that nobody answered, it is left alone for a while; 0 is never",
        default="10",
        kind="integer",
        least=0,
        most=10_000,
    ),
    Setting(
        name="TAKEOVER_WAIT",
        what="Seconds before a shard whose owner left without goodbye rings: 0, or 4 to rule out two owners",
        default="0",
        kind="number",
        least=0,
        most=60,
    ),
    *_OF_BOTH,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """What api_service is told by its operator."""

    database_url: str
    amqp_url: str
    api_host: str
    api_port: int
    shards: int
    registration_token: str
    rate_limit: int
    quota_events: int
    database_pool: int
    smtp_url: str
    mail_from: str
    egress_allow: Egress
    bus_prefix: str
    log_level: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> ApiSettings:
        """The settings in this environment; raises InvalidSettings."""
        return _read(cls, API_SETTINGS, environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherSettings:
    """What dispatcher_service is told by its operator; there is no database among it."""

    amqp_url: str
    dispatcher_name: str
    probe_host: str
    probe_port: int
    shards: int
    rings_in_flight: int
    rings_per_host: int
    rate_per_host: float
    breaker_failures: int
    takeover_wait: float
    egress_allow: Egress
    bus_prefix: str
    log_level: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> DispatcherSettings:
        """The settings in this environment; raises InvalidSettings."""
        settings: DispatcherSettings = _read(cls, DISPATCHER_SETTINGS, environment)
        return settings


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ  # noqa: TID251 - the one place


def facts(settings: ApiSettings | DispatcherSettings) -> dict[str, Any]:
    """The settings for a log: a secret shows only whether it is set, a URL only where it leads."""
    table = {setting.name.lower(): setting for setting in (*API_SETTINGS, *DISPATCHER_SETTINGS)}
    return {f.name: _shown(table[f.name], getattr(settings, f.name)) for f in fields(settings)}


_Settings = TypeVar("_Settings")


def _read(cls: type[_Settings], table: tuple[Setting, ...], environment: Mapping[str, str]) -> _Settings:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in table:
        try:
            values[setting.name.lower()] = _value(setting, environment.get(setting.name))
        except ValueError as error:
            problems.append(f"{setting.name} {error}. {setting.what}.")
    if problems:
        raise InvalidSettings(problems)
    if values.get("dispatcher_name") == "":
        values["dispatcher_name"] = socket.gethostname()
    return cls(**values)


def _value(setting: Setting, given: str | None) -> Any:
    text = given if given is not None and given.strip() else setting.default
    if text is None:
        message = "must be set"
        raise ValueError(message)
    if setting.kind in _SCHEMES:
        return _url(text, setting.kind) if text else text
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
    if kind == "smtp" and (not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment):
        message = "must name a host and nothing behind it; percent-encode / ? # @ in a password"
        raise ValueError(message)
    return text


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


def _shown(setting: Setting, value: Any) -> Any:
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
