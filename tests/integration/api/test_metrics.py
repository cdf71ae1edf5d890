"""The names by which dashboards and alerts know the API: all of them, with their labels, and no label without bound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from api_service.app import create_app
from api_service.keys import DATABASE
from shared.bus.local import LocalBroker, LocalBus
from shared.clock import SystemClock
from shared.settings import ApiSettings
from shared.version import VERSION
from tests.integration.api.stage import NEW_EVENT, SHARD_COUNT, Api, Server, StandingClock
from tests.servers.processes import eventually

Family = tuple[str, frozenset[str]]


def family(kind: str, *labels: str) -> Family:
    return kind, frozenset(labels)


METRICS: Final = {
    "carillon_build_info": family("gauge", "version", "service"),
    "carillon_clock_skew_seconds": family("gauge", "against"),
    "carillon_database_connections": family("gauge", "state"),
    "carillon_database_connections_limit": family("gauge"),
    "carillon_http_request_seconds": family("histogram", "method", "route"),
    "carillon_http_requests": family("counter", "method", "route", "status"),
    "carillon_http_requests_under_way": family("gauge"),
    "carillon_mailer_dropped": family("counter", "why"),
    "carillon_mailer_postponed": family("counter"),
    "carillon_mailer_sent": family("counter"),
    "carillon_outbox_age_seconds": family("gauge"),
    "carillon_outbox_changes": family("gauge"),
    "carillon_outcomes_lag_seconds": family("histogram"),
    "carillon_queue_consumers": family("gauge", "queue"),
    "carillon_queue_messages": family("gauge", "queue"),
    "carillon_recorder_buried": family("counter", "why"),
    "carillon_recorder_recorded": family("counter"),
    "carillon_recorder_seconds": family("histogram"),
    "carillon_relay_behind_seconds": family("gauge"),
    "carillon_relay_published": family("counter"),
    "carillon_relay_unroutable": family("counter"),
    "carillon_schema_version": family("gauge"),
    "carillon_schema_version_wanted": family("gauge"),
    "carillon_snapshot_answers": family("counter", "result"),
    "carillon_snapshot_timers": family("counter"),
}
OF_PYTHON: Final = ("process_", "python_")
# Labels whose values are drawn from a list in the code, and those that only ever have a few.
BOUNDED: Final = {
    "queue": {"outcomes", "snapshots", "dead", "members"},
    "against": {"postgres"},
    "state": {"idle", "used"},
    "method": {"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "other"},
    "version": {VERSION},
    "service": {"api"},
}


async def test_every_metric_of_a_live_api_is_in_the_table_with_its_labels(
    aiohttp_client: Callable[..., Awaitable[Any]], shared_dsn: str
) -> None:
    settings = ApiSettings.of({"DATABASE_URL": shared_dsn, "AMQP_URL": "amqp://unused", "SHARDS": str(SHARD_COUNT)})
    app = create_app(settings, bus=LocalBus(LocalBroker()), clock=SystemClock())
    api = await Api(await aiohttp_client(Server(app)), StandingClock()).newcomer()
    await api.create(endDate="2099-01-01T00:00:00Z")
    await api.post("/v1/events", NEW_EVENT | {"interval": "wrong"})
    await api.ask("PROPFIND", "/made/up")

    async def scraped() -> str:
        text = (await api.get("/metrics")).text
        return text if "\ncarillon_outbox_age_seconds " in text and "\ncarillon_queue_messages{" in text else ""

    text = await eventually(scraped, within=10, what=lambda: "the gauges have looked")
    families = text_string_to_metric_families(text)
    found = {one.name: one for one in families if not (one.name.startswith(OF_PYTHON) or one.name.endswith("_created"))}

    assert {name: one.type for name, one in found.items()} == {name: kind for name, (kind, _) in METRICS.items()}
    for name, one in found.items():
        for sample in one.samples:
            assert frozenset(sample.labels) - {"le"} == METRICS[name][1], name
            assert not [label for label, value in sample.labels.items() if value not in BOUNDED.get(label, {value})]
    assert all(one.documentation.endswith(".") for one in found.values())
    assert app[DATABASE].limit == 10


async def test_a_request_is_under_way_while_it_is_answered(api: Api) -> None:
    assert "\ncarillon_http_requests_under_way 1.0\n" in (await api.get("/metrics")).text
