"""Settings: every problem is told at once, by name, and a secret is never shown."""

from __future__ import annotations

import pytest

from shared.settings import API_SETTINGS, ApiSettings, DispatcherSettings, InvalidSettings, facts

SECRET = "hunter2-correct-horse"
GOOD = {"DATABASE_URL": f"postgresql://u:{SECRET}@db:5432/carillon", "AMQP_URL": f"amqp://u:{SECRET}@mq:5672/vhost"}


def test_defaults_fill_what_is_not_set() -> None:
    settings = ApiSettings.of(GOOD)

    assert (settings.api_port, settings.shards, settings.log_level) == (8080, 64, "info")


def test_a_blank_value_means_the_default() -> None:
    assert ApiSettings.of(GOOD | {"API_PORT": "  "}).api_port == 8080


def test_every_problem_is_told_at_once_and_by_name() -> None:
    with pytest.raises(InvalidSettings) as refused:
        ApiSettings.of({"AMQP_URL": "http://mq", "API_PORT": "65536", "SHARDS": "many", "DATABASE_POOL": "1"})

    named = [problem.split()[0] for problem in refused.value.problems]
    assert named == ["DATABASE_URL", "AMQP_URL", "API_PORT", "SHARDS", "DATABASE_POOL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "-1"),
        ("API_PORT", "80.5"),
        ("API_PORT", "nan"),
        ("SHARDS", "0"),
        ("LEDGER_SUCCESS_DAYS", "0"),
        ("LEDGER_FAILURE_DAYS", "3651"),
        ("SHARDS", "1025"),
        ("SHARDS", "64; drop table"),
        ("DATABASE_URL", "mysql://db/x"),
        ("DATABASE_URL", "postgresql://db:port/x"),
        ("DATABASE_URL", "postgresql://u:7/rest-of-password@db/x"),
        ("AMQP_URL", "amqp://u:7?rest@mq"),
        ("AMQP_URL", "amqp://u:7#rest@mq"),
        ("LOG_LEVEL", "loud"),
        ("AMQP_URL", "localhost"),
        ("SMTP_URL", "mail.example.com:25"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://u:7/rest-of-password@mail.example.com"),
        ("SMTP_URL", "smtp://u:7?rest@mail.example.com"),
        ("SMTP_URL", "smtp://u:7#rest@mail.example.com"),
        ("EGRESS_ALLOW", "10.0.0.1/8"),
        ("EGRESS_ALLOW", "fine.example, two words"),
        ("MAIL_FROM", "carillon"),
        ("MAIL_FROM", "a@b.example, c@d.example"),
        ("MAIL_FROM", "a@b.example\r\nBcc: c@d.example"),
        ("MAIL_FROM", "<>"),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{name} must "):
        ApiSettings.of(GOOD | {name: value})


def test_failures_are_kept_no_shorter_than_successes() -> None:
    with pytest.raises(InvalidSettings) as refused:
        ApiSettings.of(GOOD | {"LEDGER_SUCCESS_DAYS": "91", "API_PORT": "none"})

    port, days = refused.value.problems
    assert port.startswith("API_PORT must ")
    assert days.startswith("LEDGER_FAILURE_DAYS must not be less than LEDGER_SUCCESS_DAYS, and 90 is less than 91")
    assert ApiSettings.of(GOOD | {"LEDGER_SUCCESS_DAYS": "90"}).ledger_success_days == 90


def test_a_choice_is_one_of_a_few_however_it_is_written() -> None:
    assert DispatcherSettings.of(GOOD | {"LOG_RINGS": "ALL", "LOG_LEVEL": "Warning"}).log_rings == "all"
    with pytest.raises(InvalidSettings, match="LOG_RINGS must be one of failed, all, not 'some'"):
        DispatcherSettings.of(GOOD | {"LOG_RINGS": "some"})


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "61", "soon"])
def test_a_takeover_wait_out_of_bounds_is_refused(value: str) -> None:
    with pytest.raises(InvalidSettings, match="TAKEOVER_WAIT must be a number from 0 to 60"):
        DispatcherSettings.of(GOOD | {"TAKEOVER_WAIT": value})


@pytest.mark.parametrize("url", [f"postgres//u:{SECRET}@db", f"http://u:{SECRET}@db/x", f"u:{SECRET}@db"])
def test_a_refused_url_does_not_show_its_password(url: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        ApiSettings.of({"DATABASE_URL": url, "AMQP_URL": url})

    assert len(refused.value.problems) == 2
    assert SECRET not in str(refused.value)


def test_facts_show_where_things_are_and_no_secret() -> None:
    mail = f"smtps://u:{SECRET}@mail.example.com:465"
    shown = facts(ApiSettings.of(GOOD | {"REGISTRATION_TOKEN": SECRET, "SMTP_URL": mail}))

    assert SECRET not in repr(shown)
    assert shown["registration_token"] == "set"
    assert shown["smtp_url"] == "smtps://mail.example.com:465"
    assert shown["database_url"] == "postgresql://db:5432/carillon"
    assert set(shown) == {setting.name.lower() for setting in API_SETTINGS}


def test_facts_tell_a_secret_that_is_missing() -> None:
    shown = facts(ApiSettings.of(GOOD))

    assert (shown["registration_token"], shown["smtp_url"]) == ("not set", "not set")


def test_a_dispatcher_has_no_database() -> None:
    shown = facts(DispatcherSettings.of(GOOD))

    assert not [name for name in shown if "database" in name]


def test_a_dispatcher_without_a_name_is_called_after_its_host() -> None:
    assert DispatcherSettings.of(GOOD).dispatcher_name
    assert DispatcherSettings.of(GOOD | {"DISPATCHER_NAME": "north"}).dispatcher_name == "north"


@pytest.mark.parametrize("rest", ["/7", "?7", "#7"])
def test_a_password_that_is_not_encoded_is_not_shown(rest: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        ApiSettings.of(GOOD | {"SMTP_URL": f"smtp://u:25{rest}{SECRET}@mail.example.com"})

    assert "percent-encode" in str(refused.value)
    assert SECRET not in str(refused.value)
