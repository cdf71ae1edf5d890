"""Callback URLs by their looks."""

from __future__ import annotations

import pytest

from api_service.schemas.urls import fault_of_url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.yourapi.com",
        "http://localhost:8080/hook?x=1&y=%20#part",
        "HTTPS://Example.COM/",
        "http://192.0.2.1/a",
        "http://[2001:db8::1]:8080/a",
        "https://bücher.example/glocke",
        "https://xn--bcher-kva.example/",
        "https://example.com./a",
        "http://a_b.example/",
    ],
)
def test_a_url_that_can_be_posted_to_is_in_order(url: str) -> None:
    assert fault_of_url(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.yourapi.com", "should begin with http"),
        ("/hook", "should begin with http"),
        ("ftp://example.com", "should begin with http"),
        ("javascript:alert(1)", "should begin with http"),
        ("file:///etc/passwd", "should begin with http"),
        ("http://", "should name a host"),
        ("http:///hook", "should name a host"),
        ("http:hook", "should name a host"),
        ("http://:80/", "should be an absolute URL"),
        ("http://a..b/", "should name a host"),
        ("http://%31%32%37.0.0.1/", "should name a host"),
        ("http://127.0.0.1%2e/", "should name a host"),
        ("http://example.com%00.evil.example/", "should name a host"),
        ("http://" + "a" * 64 + ".example/", "should name a host"),
        ("http://user:secret@example.com/", "should hold no user name or password"),
        ("http://user@example.com/", "should hold no user name or password"),
        ("http://example.com:0/", "should name a port"),
        ("http://example.com:65536/", "should be an absolute URL"),
        ("http://example.com:port/", "should be an absolute URL"),
        ("http://[::1/", "should be an absolute URL"),
        ("http://exa mple.com/", "should have no blanks"),
        ("http://example.com/a b", "should have no blanks"),
        ("http://example.com/\n", "should have no blanks"),
        ("http://example.com/\x7f", "should have no blanks"),
        ("http://example.com/\u200b", "should have no blanks"),
        ("http://example.com\\@evil.example/", "should "),
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused(url: str, said: str) -> None:
    assert said in (fault_of_url(url) or "nothing is wrong")
