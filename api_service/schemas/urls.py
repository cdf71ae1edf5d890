"""Can this URL be called back? By its looks alone: where it leads is looked at when it is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from yarl import URL

from shared.domain.egress import Egress

_LABEL_LENGTH = 63
_HOST_LENGTH = 253
_EXAMPLE = "e.g. https://example.com/hook"
_ORIGIN = re.compile(r"[^/?#]*//[^/?#]*")


def fault_of_url(text: str) -> str | None:
    """What is wrong with the URL as a place to POST to, or None."""
    if not text.isprintable() or any(character.isspace() for character in text):
        return "should have no blanks or control characters; percent-encode them"
    return _fault_of_origin(_origin(text))


def fault_of_target(text: str, egress: Egress) -> str | None:
    """Does the URL, which is one, lead where this installation does not call? As far as that shows in its host."""
    return _fault_of_target(_origin(text), egress)


def _origin(text: str) -> str:
    """The URL up to its path: all that decides, and the same for an application's many events."""
    found = _ORIGIN.match(text)
    return text if found is None else found[0]


@lru_cache(maxsize=1_024)
def _fault_of_origin(origin: str) -> str | None:
    try:
        url = URL(origin)
        return next((said for is_wrong, said in _FAULTS if is_wrong(url)), None)
    except ValueError:
        return f"should be an absolute URL, {_EXAMPLE}"


@lru_cache(maxsize=1_024)
def _fault_of_target(origin: str, egress: Egress) -> str | None:
    fault = egress.fault_of_host(URL(origin).raw_host or "")
    if fault is None:
        return None
    way_out = "use a public address, or have the operator list it in EGRESS_ALLOW"
    return f"leads to {fault}, which this installation does not call; {way_out}"


def _has_no_host(url: URL) -> bool:
    host = url.raw_host or ""
    if ":" in host:  # an IPv6 address, which yarl has already understood
        return False
    if "%" in host:  # no name has one, and who decodes it may find an address
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) > _HOST_LENGTH or not all(0 < len(label) <= _LABEL_LENGTH for label in labels)


def _has_credentials(url: URL) -> bool:
    return url.raw_user is not None or url.raw_password is not None


_FAULTS: tuple[tuple[Callable[[URL], bool], str], ...] = (
    (lambda url: url.scheme not in {"http", "https"}, "should begin with http:// or https://"),
    (_has_credentials, "should hold no user name or password: they would show wherever the event does"),
    (_has_no_host, f"should name a host, {_EXAMPLE}"),
    (lambda url: url.port == 0, "should name a port from 1 to 65535, or none"),
)
