"""The only reader of the environment: one frozen object a service, every problem at once, secrets never shown."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from shared.domain.egress import Egress
from shared.setting import Setting, shown, value_of

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
    Setting(
        name="LOG_LEVEL",
        what="debug, info, warning or error",
        default="info",
        kind="choice",
        choices=("debug", "info", "warning", "error"),
    ),
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
        name="LEDGER_SUCCESS_DAYS",
        what="Days that the ledger keeps what was delivered or skipped, at the least; what is unfinished it keeps",
        default="30",
        kind="integer",
        least=1,
        most=3650,
    ),
    Setting(
        name="LEDGER_FAILURE_DAYS",
        what="Days that the ledger keeps what failed, no fewer than LEDGER_SUCCESS_DAYS; an event's last failure stays",
        default="90",
        kind="integer",
        least=1,
        most=3650,
    ),
    Setting(
        name="CHANGE_LOG_DAYS",
        what="For how many days it is kept who changed what",
        default="90",
        kind="integer",
        least=1,
        most=3650,
    ),
    Setting(
        name="RECORDER_PAUSE",
        what="Milliseconds that outcomes may wait to be recorded together, so that ringing comes first; 0 is none",
        default="500",
        kind="integer",
        most=5_000,
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
    Setting(
        name="CLOCK_SKEW_MAX",
        what="Milliseconds that the clock may differ from the API's; beyond them others ring, if any; 0 is no bound",
        default="1000",
        kind="integer",
        most=3_600_000,
    ),
    Setting(
        name="LOG_RINGS",
        what="Which rings have a line in the log: failed, or all; the ledger has every one",
        default="failed",
        kind="choice",
        choices=("failed", "all"),
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
    ledger_success_days: int
    ledger_failure_days: int
    change_log_days: int
    recorder_pause: int
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
    clock_skew_max: int
    log_rings: str
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
    return {f.name: shown(table[f.name], getattr(settings, f.name)) for f in fields(settings)}


_Settings = TypeVar("_Settings")


def _read(cls: type[_Settings], table: tuple[Setting, ...], environment: Mapping[str, str]) -> _Settings:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in table:
        try:
            values[setting.name.lower()] = value_of(setting, environment.get(setting.name))
        except ValueError as error:
            problems.append(f"{setting.name} {error}. {setting.what}.")
    problems += _contradictions(values)
    if problems:
        raise InvalidSettings(problems)
    if values.get("dispatcher_name") == "":
        values["dispatcher_name"] = socket.gethostname()
    return cls(**values)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """What is well by itself and not together."""
    success, failure = values.get("ledger_success_days"), values.get("ledger_failure_days")
    if success is None or failure is None or success <= failure:
        return []
    return [
        f"LEDGER_FAILURE_DAYS must not be less than LEDGER_SUCCESS_DAYS, and {failure} is less than {success}: "
        "raise the one or lower the other."
    ]
