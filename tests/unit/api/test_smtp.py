"""What the operator's URL says of a mail server."""

from __future__ import annotations

from api_service.loops.smtp import options


def test_a_url_says_where_and_as_whom() -> None:
    said = options("smtp://us%40r:p%2Fss%40word@mail.example.com:2525", sender="carillon@bells.example")

    assert said["hostname"] == "mail.example.com"
    assert said["port"] == 2525
    assert (said["username"], said["password"]) == ("us@r", "p/ss@word")
    assert said["use_tls"] is False
    assert said["local_hostname"] == "bells.example"


def test_a_url_may_say_no_more_than_the_host_and_insist_on_tls() -> None:
    said = options("smtps://mail.example.com", sender="carillon@localhost")

    assert (said["port"], said["username"], said["password"], said["use_tls"]) == (None, None, None, True)
