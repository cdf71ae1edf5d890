"""What `make run` makes of the environment, and what it prints."""

from __future__ import annotations

import json
import shlex

import pytest

from deploy.local.echo import line_of
from deploy.local.greeting import greeting
from deploy.local.surroundings import Unsuitable, settings_of

NOW = 1_800_000_000_000
SERVERS = {"DATABASE_URL": "postgresql://db/carillon", "AMQP_URL": "amqp://mq/"}


def test_nothing_needs_to_be_set() -> None:
    settings = settings_of({})

    assert settings.own_servers
    assert (settings.api.api_host, settings.api.api_port) == ("127.0.0.1", 8080)


def test_both_servers_are_used_where_both_are_named() -> None:
    settings = settings_of(SERVERS)

    assert not settings.own_servers
    assert settings.api.database_url == SERVERS["DATABASE_URL"]
    assert settings.dispatcher.amqp_url == SERVERS["AMQP_URL"]


@pytest.mark.parametrize("name", SERVERS)
def test_one_server_alone_is_not_used(name: str) -> None:
    # A local bus beside a database that others share would take their messages.
    settings = settings_of({name: SERVERS[name]})

    assert settings.own_servers
    assert SERVERS[name] not in (settings.api.database_url, settings.api.amqp_url)


def test_what_is_set_is_used_and_what_is_blank_is_not() -> None:
    settings = settings_of({"API_HOST": "192.0.2.1", "API_PORT": "9090", "LOG_LEVEL": ""})

    assert (settings.api.api_host, settings.api.api_port, settings.api.log_level) == ("192.0.2.1", 9090, "warning")


def test_this_machine_may_be_called_beside_what_is_listed() -> None:
    for told, listed in (
        ({}, "127.0.0.0/8,::1/128"),
        ({"EGRESS_ALLOW": "10.0.0.0/8"}, "10.0.0.0/8,127.0.0.0/8,::1/128"),
    ):
        settings = settings_of(told)
        assert str(settings.api.egress_allow) == str(settings.dispatcher.egress_allow) == listed


def test_a_wrong_setting_is_told_in_one_line() -> None:
    with pytest.raises(Unsuitable, match=r"API_PORT must be .* SHARDS must be") as refused:
        settings_of({"API_PORT": "http", "SHARDS": "0"})

    assert "\n" not in str(refused.value)


def test_the_greeting_has_a_line_that_can_be_pasted() -> None:
    shown = greeting(url="http://127.0.0.1:1", key="ck_k", key_file=".local/api-key", servers="here", now=NOW)
    [line] = [line.strip() for line in shown.splitlines() if "curl" in line]
    words = shlex.split(line)
    event = json.loads(words[-1])

    assert words[:5] == ["curl", "-sS", "-X", "POST", "http://127.0.0.1:1/v1/events"]
    assert "X-API-Key: ck_k" in words
    assert event["callbackUrl"] == "http://127.0.0.1:1/echo"
    assert event["endDate"] == "2027-01-15T08:30:00.000Z"


def test_a_line_of_the_echo_is_printable_whatever_was_sent() -> None:
    arrived = {"arrived": "now", "headers": {"carillon-event-id": "\x1b[2J"}, "body": "\x1b]0;x\x07\n" * 50}

    line = line_of(arrived)

    assert line.isprintable()
    assert len(line) < 250
