"""The compose file's claims: one command is enough, nobody outside gets in, and dispatchers see the broker alone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from api_service import limits
from dispatcher_service.app import LAST_REPORTS_SECONDS, LAST_RINGS_SECONDS
from shared.settings import API_SETTINGS, DISPATCHER_SETTINGS, ApiSettings, DispatcherSettings
from tests.deploy.composition import COMPOSE, Part, composition

FILE = composition()
PARTS = list(FILE.parts.values())
OURS = [part for part in PARTS if part.is_ours]
SECRETS = {"POSTGRES_PASSWORD": "one", "RABBITMQ_PASSWORD": "two", "REGISTRATION_TOKEN": "three"}


def named(part: Part) -> str:
    return part.name


def test_it_is_two_apis_behind_a_proxy_three_dispatchers_and_what_they_need() -> None:
    assert {part.name: part.replicas for part in PARTS} == {
        "postgres": 1,
        "rabbitmq": 1,
        "migrate": 1,
        "api": 2,
        "proxy": 1,
        "dispatcher": 3,
    }
    assert FILE.parts["api"].command == ["python", "-m", "api_service"]
    assert FILE.parts["migrate"].command == ["python", "-m", "api_service", "migrate"]
    assert FILE.parts["dispatcher"].command == ["python", "-m", "dispatcher_service"]


def test_each_waits_for_what_it_needs() -> None:
    assert {part.name: part.waits_for for part in PARTS if part.waits_for} == {
        "migrate": {"postgres": "service_healthy"},
        "api": {"migrate": "service_completed_successfully", "rabbitmq": "service_healthy"},
        "proxy": {"api": "service_healthy"},
        "dispatcher": {"rabbitmq": "service_healthy"},
    }


def test_nobody_but_this_machine_gets_in_and_only_through_the_proxy() -> None:
    assert {part.name: part.said["ports"] for part in PARTS if "ports" in part.said} == {
        "proxy": ["127.0.0.1:8080:8080"]
    }


def test_dispatchers_see_the_broker_and_the_world() -> None:
    assert FILE.neighbours("dispatcher") == {"rabbitmq"}
    inside = {name for name, network in FILE.networks.items() if (network or {}).get("internal")}
    assert FILE.parts["dispatcher"].networks - inside == {"outside"}


def test_what_is_kept_is_seen_by_those_who_keep_it_and_leads_nowhere() -> None:
    inside = {name for name, network in FILE.networks.items() if (network or {}).get("internal")}

    assert FILE.neighbours("postgres") == {"api", "migrate"}
    assert FILE.neighbours("proxy") == {"api"}
    assert FILE.parts["postgres"].networks | FILE.parts["rabbitmq"].networks <= inside
    assert [part.said["volumes"] for part in PARTS if part.name in FILE.volumes] == [
        ["postgres:/var/lib/postgresql"],
        ["rabbitmq:/var/lib/rabbitmq"],
    ]


def test_no_dispatcher_is_told_of_the_database() -> None:
    told = composition(SECRETS).parts["dispatcher"].said

    assert "postgres" not in str(told).lower()
    assert "DATABASE" not in str(told)
    assert SECRETS["POSTGRES_PASSWORD"] not in told["environment"].values()


@pytest.mark.parametrize("part", PARTS, ids=named)
def test_none_has_rights_that_it_does_not_need(part: Part) -> None:
    assert part.said["cap_drop"] == ["ALL"]
    assert part.said["read_only"] is True
    assert part.said["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(part.said)
    assert part.is_ours or part.said["user"] not in {"root", "0", "0:0"}  # the image of ours says who it is for


@pytest.mark.parametrize("part", OURS, ids=named)
def test_ours_write_nothing(part: Part) -> None:
    assert not {"tmpfs", "volumes", "user"} & set(part.said)


def test_the_image_is_made_once() -> None:
    """Where several say how, compose makes it several times at once under one name: all but the first fail."""
    assert [part.name for part in PARTS if "build" in part.said] == ["migrate"]


def test_what_forgets_can_be_written_by_whoever_it_is_for() -> None:
    """It is root's, with the rights that the folder has in the image: these two let everybody write."""
    assert {folder for part in PARTS for folder in part.said.get("tmpfs", [])} <= {"/tmp", "/run/postgresql"}  # noqa: S108


@pytest.mark.parametrize("part", PARTS, ids=named)
def test_all_but_the_job_come_back_and_say_whether_they_are_well(part: Part) -> None:
    if part.name == "migrate":
        assert part.said["restart"] == "no"
    else:
        assert part.said["restart"] == "unless-stopped"
        assert part.health


def test_whoever_is_told_to_end_has_the_time_it_takes() -> None:
    grace = {part.name: part.said.get("stop_grace_period", "10s") for part in PARTS}

    assert int(grace["dispatcher"].removesuffix("s")) >= LAST_RINGS_SECONDS + LAST_REPORTS_SECONDS
    assert int(grace["api"].removesuffix("s")) >= limits.BULK_SECONDS


def test_the_images_are_exact() -> None:
    images = {part.name: part.said["image"] for part in PARTS if not part.is_ours}

    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", image) for image in images.values())
    assert [part.name for part in OURS] == ["migrate", "api", "dispatcher"]
    version = re.search(r":(\d+)\.(\d+)", images["rabbitmq"])
    assert version
    assert (int(version[1]), int(version[2])) >= (3, 10)


@pytest.mark.parametrize("variables", [{}, SECRETS], ids=["nothing said", "own secrets"])
def test_the_urls_lead_to_the_servers_with_what_they_were_given(variables: dict[str, str]) -> None:
    parts = composition(variables).parts
    postgres, rabbit = parts["postgres"].environment, parts["rabbitmq"].environment
    database, bus = urlsplit(parts["api"].environment["DATABASE_URL"]), urlsplit(parts["api"].environment["AMQP_URL"])

    assert (database.hostname, database.port, database.path) == ("postgres", 5432, f"/{postgres['POSTGRES_DB']}")
    assert (database.username, database.password) == (postgres["POSTGRES_USER"], postgres["POSTGRES_PASSWORD"])
    assert (bus.hostname, bus.port, bus.path) == ("rabbitmq", 5672, "/")
    assert (bus.username, bus.password) == (rabbit["RABBITMQ_DEFAULT_USER"], rabbit["RABBITMQ_DEFAULT_PASS"])
    assert parts["dispatcher"].environment["AMQP_URL"] == parts["api"].environment["AMQP_URL"]
    assert parts["migrate"].environment == parts["api"].environment


def test_what_ours_are_told_are_settings_that_they_can_start_with() -> None:
    api, dispatcher = FILE.parts["api"].environment, FILE.parts["dispatcher"].environment

    assert set(api) <= {setting.name for setting in API_SETTINGS}
    assert set(dispatcher) <= {setting.name for setting in DISPATCHER_SETTINGS}
    assert ApiSettings.of(api).shards == DispatcherSettings.of(dispatcher).shards
    assert ApiSettings.of(composition(SECRETS).parts["api"].environment).registration_token == "three"


def test_every_variable_is_explained_above() -> None:
    text = COMPOSE.read_text()
    explained = text.partition("name: carillon")[0]

    assert set(re.findall(r"\$\{(\w+)", text)) <= set(re.findall(r"\b[A-Z_]{6,}\b", explained))
    assert "env_file: [{ path: api.env, required: false }]" in text
    assert "env_file: [{ path: dispatcher.env, required: false }]" in text
