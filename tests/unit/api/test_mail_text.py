"""What an owner reads: all that happened and what to do, and nothing that is nobody's business."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from api_service.loops.mail_text import LISTED_MOST, Unmailable, compose
from api_service.schemas.fields import Email
from api_service.store.notifications import Facts, Kind, Notification

NOW = 1_800_000_000_000


def notification(number: int, kind: Kind = Kind.FAILING, **given: Any) -> Notification:
    facts: dict[str, Any] = {"host": "api.example.com", "nominal": NOW, "status_code": 503, "error": "status"}
    known = {name: given.pop(name) for name in list(given) if name in Facts.__struct_fields__}
    fields: dict[str, Any] = {
        "id": number,
        "event_id": f"{number:026}",
        "application_id": 1,
        "event_owner": "owner@example.com",
        "kind": kind,
        "facts": Facts(**facts | known),
        "happened": NOW + number,
        "tries": 0,
    }
    return Notification(**fields | given)


def mail(*told: Notification, sender: str = "carillon@bells.example", recipient: str = "") -> Any:
    return compose(told, sender=sender, recipient=recipient or told[0].event_owner, now=NOW)


def test_a_mail_says_what_happened_to_what_when_and_what_to_do() -> None:
    message = mail(notification(7))
    text = message.get_content()

    assert message["Subject"] == "Callback failing: api.example.com"
    assert (message["To"], message["From"]) == ("owner@example.com", "Carillon <carillon@bells.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert f"{7:026} at api.example.com" in text
    assert "at 2027-01-15T08:00:00.007Z, the occurrence of 2027-01-15T08:00:00.000Z: answered 503" in text
    assert "GET /v1/events/<event>/executions" in text


@pytest.mark.parametrize(
    ("error", "said"),
    [("connect", "no connection"), ("timeout", "no answer in time"), ("refused", "not sent"), ("tls", "no secure")],
)
def test_where_no_answer_came_it_says_why(error: str, said: str) -> None:
    assert f": {said}" in mail(notification(1, status_code=0, error=error)).get_content()


def test_a_class_of_error_that_a_later_release_knows_is_said_as_it_is() -> None:
    assert ": eclipse\n" in mail(notification(1, status_code=0, error="eclipse")).get_content()


def test_a_recovery_says_since_when_and_a_pause_how_to_go_on() -> None:
    recovered = mail(notification(1, Kind.RECOVERED, failing_since=NOW - 1000)).get_content()
    paused = mail(notification(1, Kind.PAUSED, nominal=None)).get_content()

    assert "was delivered, after failing since 2027-01-15T07:59:59.000Z" in recovered
    assert "410 Gone" in paused
    assert "/resume" in paused


def test_of_an_event_the_latest_is_said() -> None:
    twice = mail(notification(1), notification(2, Kind.PAUSED, event_id=f"{1:026}"))

    assert twice["Subject"] == "Callback paused: api.example.com"
    assert "FAILING" not in twice.get_content()


def test_many_events_are_counted_and_the_most_urgent_ones_listed() -> None:
    told = [notification(number, Kind.RECOVERED) for number in range(1, 61)]
    told += [notification(number) for number in range(61, 101)] + [notification(200, Kind.PAUSED)]

    message = mail(*told)
    text = message.get_content()

    assert message["Subject"] == "Callbacks: 1 paused, 40 failing, 60 recovered"
    assert text.count(" at api.example.com") == LISTED_MOST
    assert text.index("PAUSED (1)") < text.index("FAILING (40)") < text.index("RECOVERED (60)")
    assert text.rstrip().endswith("and 51 more")


def test_a_mail_that_lists_all_has_no_more() -> None:
    assert "more" not in mail(*(notification(number) for number in range(1, LISTED_MOST + 1))).get_content()


def test_the_same_notifications_have_the_same_name_and_others_another() -> None:
    one, two = notification(1), notification(2)

    assert mail(one, two)["Message-ID"] == mail(one, two)["Message-ID"]
    assert mail(one)["Message-ID"] != mail(one, two)["Message-ID"]
    assert mail(one)["Message-ID"].startswith(f"<{1:026}.")
    assert mail(one)["Message-ID"].endswith("@bells.example>")


@pytest.mark.parametrize(
    "owner",
    [
        "owner@example.com\r\nBcc: all@example.com",
        "owner@example.com\nSubject: no",
        "owner@example.com\rX: y",
        '"a\x0bX: y"@example.com',
        "owner@example.com, other@example.com",
        "owner",
        "@",
        "",
        "<owner@example.com>",
    ],
)
def test_an_owner_that_is_no_single_address_gets_no_mail(owner: str) -> None:
    with pytest.raises(Unmailable):
        mail(notification(1, event_owner=owner))


@pytest.mark.parametrize("host", ["a\r\nBcc: all@example.com", "a\nb", "grüße.example", "h" * 400])
def test_no_host_makes_a_header_of_its_own(host: str) -> None:
    try:
        message = mail(notification(1, host=host))
    except Unmailable:
        assert not host.isprintable()
        return
    headers = message.as_bytes().partition(b"\r\n\r\n")[0]
    assert [line for line in headers.split(b"\r\n") if line.lower().startswith(b"bcc")] == []
    assert message["Subject"].endswith(host)


@pytest.mark.parametrize("owner", ["a.b+c@example.com", '"a,b"@example.com', "jürgen@example.com", "a@münchen.example"])
def test_whom_the_api_accepts_can_be_written_to(owner: str) -> None:
    Email(longest=254).deserialize(owner)

    assert mail(notification(1, event_owner=owner))["To"].addresses[0].addr_spec == owner


def test_the_api_accepts_no_owner_that_ends_a_line() -> None:
    for owner in ("owner@example.com\n", "owner@example.com\r\nBcc: a@b.example", "a\n@example.com"):
        with pytest.raises(ValidationError):
            Email(longest=254).deserialize(owner)


def test_who_is_on_call_for_a_schedule_is_not_called_an_owner() -> None:
    message = mail(notification(7, event_owner="oncall:skd_abc"), recipient="ada@example.com")

    assert message["To"] == "ada@example.com"
    assert message.get_content().startswith("This is about callbacks of whose schedule you are on call.")
