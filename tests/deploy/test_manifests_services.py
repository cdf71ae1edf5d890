"""Do manifests and services mean the same? The real ones are asked: settings, ports, paths, and how long they take."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from api_service import __main__ as api_process
from api_service.app import create_app
from api_service.handlers import operations
from api_service.store import database
from dispatcher_service import app as dispatcher_app
from dispatcher_service.app import Dispatcher
from dispatcher_service.core import balance
from dispatcher_service.loops import handovers
from dispatcher_service.probe import probe
from shared.bus.local import LocalBroker, LocalBus
from shared.bus.rabbit_wire import Patience
from shared.clock import SystemClock
from shared.settings import ApiSettings, DispatcherSettings
from tests.deploy.cluster import Overlay, Workload

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
ANSWERS = {"/healthz": {200}, "/readyz": {200, 503}}
INSIDE = {"/healthz", "/readyz", "/metrics"}  # for whoever operates it
SPARE_CONNECTIONS = 10  # for the migration, the operator and whoever looks


@pytest.fixture
async def dispatcher_answers(overlay: Overlay) -> AsyncIterator[Callable[[str], Awaitable[int]]]:
    """Which status a dispatcher that is told what the manifest says answers at a path."""
    settings = DispatcherSettings.of(overlay.workload("carillon-dispatcher").values())
    dispatcher = Dispatcher(settings, bus=LocalBus(LocalBroker()), clock=SystemClock())
    async with (
        probe(host="127.0.0.1", port=0, unready=dispatcher.unready, metrics=dispatcher.metrics.text) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):

        async def status(path: str) -> int:
            async with session.get(path) as answer:
                return answer.status

        yield status


def test_every_command_is_one_of_the_products(overlay: Overlay) -> None:
    assert {one.name: one.containers[0]["command"] for one in overlay.ours()} == {
        "carillon-api": ["python", "-m", "api_service"],
        "carillon-dispatcher": ["python", "-m", "dispatcher_service"],
        "carillon-migrate": ["python", "-m", "api_service", "migrate"],
    }


def test_every_variable_is_a_setting_of_its_service(overlay: Overlay) -> None:
    for one in overlay.ours():
        assert set(one.given()) <= {setting.name for setting in one.settings}, one.name


def test_every_setting_that_must_be_set_is_set(overlay: Overlay) -> None:
    for one in overlay.ours():
        needed = {setting.name for setting in one.settings if setting.default is None}
        given = {name for name, given in one.given().items() if not given.optional}
        assert needed <= given, one.name


def test_every_service_would_start_with_what_it_is_told(overlay: Overlay) -> None:
    told = {one.name: _settings(one) for one in overlay.ours()}

    assert {one.shards for one in told.values()} == {64}
    assert len({one.bus_prefix for one in told.values()}) == 1


def test_a_dispatcher_is_called_by_its_pods_name(overlay: Overlay) -> None:
    assert overlay.workload("carillon-dispatcher").given()["DISPATCHER_NAME"].field == "metadata.name"


async def test_a_dispatcher_answers_where_it_is_probed(
    overlay: Overlay, dispatcher_answers: Callable[[str], Awaitable[int]]
) -> None:
    for path in _probed(overlay.workload("carillon-dispatcher")):
        assert await dispatcher_answers(path) in ANSWERS[path]
    assert await dispatcher_answers("/metrics") == 200


async def test_the_api_answers_where_it_is_probed(
    overlay: Overlay, aiohttp_client: Callable[..., Awaitable[Any]], unused_tcp_port: int
) -> None:
    away = {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing"}
    client = await aiohttp_client(_api(overlay.workload("carillon-api"), away))

    for path in _probed(overlay.workload("carillon-api")):
        assert (await client.get(path)).status in ANSWERS[path]
    assert (await client.get("/metrics")).status == 200


def test_probes_go_to_the_port_that_the_service_listens_on(overlay: Overlay) -> None:
    for name, setting in (("carillon-api", "api_port"), ("carillon-dispatcher", "probe_port")):
        workload = overlay.workload(name)
        for kind in PROBES:
            assert workload.port(_probe(workload, kind)["port"]) == getattr(_settings(workload), setting)


def test_readiness_is_asked_for_and_liveness_only_whether_it_lives(overlay: Overlay) -> None:
    for name in ("carillon-api", "carillon-dispatcher"):
        paths = {kind: _probe(overlay.workload(name), kind)["path"] for kind in PROBES}
        # A database that is away is no reason to kill whoever waits for it.
        assert paths == {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}


def test_readiness_has_the_time_that_its_checks_may_take(overlay: Overlay) -> None:
    readiness = overlay.workload("carillon-api").containers[0]["readinessProbe"]

    assert readiness["timeoutSeconds"] > operations._CHECK_SECONDS


def test_a_dispatcher_has_the_time_to_hand_over_finish_and_report(overlay: Overlay) -> None:
    dispatcher = overlay.workload("carillon-dispatcher")
    rounds = math.ceil(_settings(dispatcher).shards / handovers.HANDOVERS_AT_ONCE)  # where it is the last one
    needed = (
        balance.NOTICE_SECONDS
        + rounds * (handovers.SETTLE_SECONDS + handovers.GOODBYE_SECONDS)
        + dispatcher_app.LAST_RINGS_SECONDS
        + dispatcher_app.LAST_REPORTS_SECONDS
        + 2 * Patience().close
    )

    assert "lifecycle" not in dispatcher.containers[0]  # it begins at once
    assert needed < dispatcher.pod["terminationGracePeriodSeconds"]


def test_the_api_has_the_time_to_finish_after_proxies_have_forgotten_it(overlay: Overlay) -> None:
    api = overlay.workload("carillon-api")
    before = api.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    ending = api_process.FAREWELL_SECONDS + api_process.PATIENCE_SECONDS
    needed = before + ending + database.CLOSE_TIMEOUT + 4 * 2 * Patience().close

    assert before >= 5
    assert needed < api.pod["terminationGracePeriodSeconds"]


def test_a_rollout_brings_one_before_it_takes_one(overlay: Overlay) -> None:
    for name in ("carillon-api", "carillon-dispatcher"):
        strategy = overlay.workload(name).manifest["spec"]["strategy"]
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_the_migration_goes_on_until_the_database_is_there(overlay: Overlay) -> None:
    job = overlay.named("Job", "carillon-migrate")["spec"]

    assert job["template"]["spec"]["restartPolicy"] == "OnFailure"
    assert job["backoffLimit"] >= 10
    assert job["ttlSecondsAfterFinished"] > 0  # a Job that is still there cannot be applied with another image


def test_clients_reach_every_path_but_those_that_are_for_operators(serious: Overlay) -> None:
    open_to_all = [
        path for rule in serious.named("Ingress", "carillon-api")["spec"]["rules"] for path in rule["http"]["paths"]
    ]
    answered = {route.resource.canonical for route in _api(serious.workload("carillon-api"), {}).router.routes()}  # type: ignore[union-attr]

    assert answered >= INSIDE
    for path in answered:
        let_in = any(_leads(one, path) for one in open_to_all)
        assert let_in != (path in INSIDE), path


def test_every_replica_finds_its_connections(serious: Overlay) -> None:
    api = serious.workload("carillon-api")
    replicas = serious.named("HorizontalPodAutoscaler", "carillon-api")["spec"]["maxReplicas"]
    replicas += api.manifest["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    parameters = serious.named("Cluster", "carillon-database")["spec"]["postgresql"]["parameters"]

    needed = replicas * int(api.values()["DATABASE_POOL"]) + SPARE_CONNECTIONS
    assert needed <= int(parameters["max_connections"])


def _settings(workload: Workload) -> ApiSettings | DispatcherSettings:
    kind = ApiSettings if workload.service == "api_service" else DispatcherSettings
    return kind.of(workload.values())


def _api(workload: Workload, also: dict[str, str]) -> web.Application:
    return create_app(ApiSettings.of(workload.values() | also), bus=LocalBus(LocalBroker()), clock=SystemClock())


def _probe(workload: Workload, kind: str) -> dict[str, Any]:
    return dict(workload.containers[0][kind]["httpGet"])


def _probed(workload: Workload) -> set[str]:
    return {_probe(workload, kind)["path"] for kind in PROBES}


def _leads(rule: dict[str, Any], path: str) -> bool:
    if rule["pathType"] == "Exact":
        return bool(path == rule["path"])
    return path == rule["path"] or path.startswith(f"{rule['path']}/")
