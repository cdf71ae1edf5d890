"""What the alerts and the dashboard ask for exists: a real Prometheus asks real processes, and answers every query."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
import yaml

from shared.bus.port import Work
from shared.bus.rabbit import RabbitBus
from tests.acceptance.client import Client
from tests.deploy import queries
from tests.deploy.queries import Query
from tests.servers.mail import mail_server
from tests.servers.postgres import Postgres
from tests.servers.processes import Recipe, Service, eventually, migrate
from tests.servers.prometheus import PrometheusServer
from tests.servers.rabbit import Rabbit
from tests.servers.receiver import Receiver

ALL: Final = [*queries.of_rules(), *queries.of_dashboard()]
SHARDS: Final = 4
SEEN_WITHIN: Final = 40.0
SCRAPE: Final = "2s"
UNMAILABLE: Final = "nobody@example.com"
# The broker may have another test's installation, whose recorder would read what is meant for this one.
PREFIX: Final = f"watched-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A Prometheus, and the moment of which it is asked: what a busy machine misses afterwards changes nothing."""

    server: PrometheusServer
    moment: float

    def query(self, expression: str) -> list[Any]:
        """The series that this expression gave."""
        return self.server.query(expression, at=self.moment)


def configuration(targets: dict[str, list[str]]) -> str:
    """The example of deploy/, with processes on this machine for those of the compose file, and more often."""
    example = yaml.safe_load((queries.PROMETHEUS / "prometheus.yaml").read_text())
    example["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE}
    example["rule_files"] = [str(queries.PROMETHEUS / name) for name in example["rule_files"]]
    for job in example["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": targets.pop(job["job_name"]), "labels": {"namespace": "carillon"}}]
    assert not targets
    return yaml.safe_dump(example)


async def drive(client: Client, receiver: Receiver, rabbit: Rabbit, postgres: Postgres) -> None:
    """Everything that is counted happens: rings that are delivered and that fail, and failures of ours."""
    await client.create(f"{receiver.url}/status/404/unmailable", eventOwner=UNMAILABLE)
    await client.create(f"{receiver.url}/status/404/ill")
    await client.create(f"{receiver.url}/well")
    assert (await client.ask("GET", "/v1/nothing")).status == 404
    publisher = RabbitBus(rabbit.url, prefix=PREFIX).publisher()
    await publisher.to_work(Work.OUTCOMES, b"nobody can read this")
    await publisher.close()
    for path in ("/well", "/status/404/ill", "/status/404/unmailable"):
        await receiver.counted(path, 2, within=15)

    await asyncio.to_thread(postgres.stop)
    assert (await client.ask("GET", "/v1/events")).status == 503
    await asyncio.to_thread(postgres.start)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(scratch: Path, postgres: Postgres, rabbit: Rabbit) -> AsyncIterator[Watched]:
    """A Prometheus that has seen an installation at work for a while."""
    async with mail_server() as mails, aiohttp.ClientSession() as session:
        mails.answers[UNMAILABLE] = "550 nobody of that name"
        settings = {
            "DATABASE_URL": await postgres.fresh_database(),
            "AMQP_URL": rabbit.url,
            "BUS_PREFIX": PREFIX,
            "SMTP_URL": mails.url,
            "EGRESS_ALLOW": "127.0.0.1",
            "SHARDS": str(SHARDS),
        }
        migrate(settings)
        folder = scratch / "watched"
        folder.mkdir()
        api = Service(Recipe.api("api", folder, settings))
        dispatchers = [Service(Recipe.dispatcher(f"dispatcher-{number}", folder, settings)) for number in (1, 2)]
        targets = {
            f"carillon-{kind}": [one.url.removeprefix("http://") for one in services]
            for kind, services in {"api": [api], "dispatcher": dispatchers}.items()
        }
        server = PrometheusServer(folder / "prometheus", configuration(targets))
        receiver = Receiver.started()
        try:
            await asyncio.to_thread(server.start)
            for one in (api, *dispatchers):
                one.start()
            for one in (api, *dispatchers):
                await one.ready()
            async with receiver:
                await drive(await Client(session, api.url).registered(), receiver, rabbit, postgres)
                yield Watched(server=server, moment=await seen(server))
        finally:
            server.close()
            receiver.end()
            running = [one for one in (*dispatchers, api) if one.runs]
            for one in running:
                one.terminate()
            for one in running:
                await one.gone()


async def seen(server: PrometheusServer) -> float:
    """A moment at which every query has an answer; after a while any, for then the tests say which has none."""
    sides = deque(side for query in ALL for side in queries.sides(queries.now(query.expression)))

    def look() -> float:
        moment = time.time()
        for side in tuple(sides):
            if not server.query(side, at=moment):
                sides.remove(side)
                sides.appendleft(side)  # what is missing is asked for first
                return 0.0
        return moment

    try:
        return await eventually(lambda: asyncio.to_thread(look), within=SEEN_WITHIN, what=lambda: "all have answers")
    except AssertionError:
        return time.time()


each_query = pytest.mark.parametrize("query", ALL, ids=str)


def test_every_rule_is_evaluated_without_fault(prometheus: Watched) -> None:
    rules = [rule for group in prometheus.server.ask("rules")["groups"] for rule in group["rules"]]

    assert sorted(rule["name"] for rule in rules) == sorted(query.where for query in queries.of_rules())
    assert not [rule for rule in rules if rule["health"] != "ok"]


@each_query
def test_what_is_read_exists_with_the_labels_and_values_that_are_asked_for(prometheus: Watched, query: Query) -> None:
    for selector in queries.selectors(queries.now(query.expression)):
        series = prometheus.query(f"last_over_time({selector}[5m])")
        assert series, f"there is no {selector}"
        for label in queries.matched(selector):
            assert all(label in one["metric"] for one in series), f"{selector}: no label {label}"


@each_query
def test_it_has_an_answer(prometheus: Watched, query: Query) -> None:
    for side in queries.sides(queries.now(query.expression)):
        assert prometheus.query(side), f"no answer to {side}"


@each_query
def test_labels_that_are_kept_and_shown_are_there(prometheus: Watched, query: Query) -> None:
    expression = queries.now(query.expression)
    for operand, kept in queries.grouped(expression):
        found = labels(prometheus.query(operand))
        assert kept <= found, f"{operand} has no {kept - found}"
    for side in queries.sides(expression):
        assert query.shows <= labels(prometheus.query(side)), side


@pytest.mark.parametrize("name", ["namespace", "job", "instance"])
def test_there_is_something_to_choose(prometheus: Watched, name: str) -> None:
    variable = next(one for one in queries.dashboard()["templating"]["list"] if one["name"] == name)
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])

    assert asked is not None
    assert asked[2] == name
    assert all(name in one["metric"] for one in prometheus.query(queries.chosen(asked[1])))
    assert prometheus.query(queries.chosen(asked[1]))


def test_what_the_runbook_looks_at_exists(prometheus: Watched) -> None:
    chapter = (queries.ROOT / "docs" / "operations.md").read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
    looked_at = set(re.findall(r"\bcarillon_\w+", chapter))

    assert looked_at
    assert not [one for one in looked_at if not prometheus.query(f'last_over_time({{__name__=~"{one}(_count)?"}}[5m])')]


def labels(series: Iterable[Any]) -> set[str]:
    """The labels that any of these has."""
    return {label for one in series for label in one["metric"]}
