"""What does an owner read? One mail for all that happened, in words for whoever must do something about it.

Of an event only the latest is said: one that failed and recovered while the mail waited has recovered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import blake2b
from itertools import groupby, islice

from api_service.store.notifications import Facts, Kind, Notification
from shared.domain.firing import AttemptError
from shared.timing.instants import Instant, iso, to_datetime

LISTED_MOST = 50
ON_CALL = "of whose schedule you are on call"

# What it means, and what to do; in the order of urgency.
_MEANS = {
    Kind.PAUSED: """\
The receiver answered 410 Gone: it wants no more of these callbacks.
The event is paused and does not ring. If that was a mistake, mend the
receiver, then POST /v1/events/<event>/resume. Otherwise delete the event.""",
    Kind.FAILING: """\
A callback was not delivered, and is given up. The event goes on ringing
at its next occurrences; you hear again when one gets through, and not of
every failure. See whether the receiver is up, and what it answered:
GET /v1/events/<event>/executions.""",
    Kind.RECOVERED: """\
Callbacks are delivered again. What failed meanwhile is not sent again by
itself; it is listed at GET /v1/events/<event>/executions.""",
}
_ORDER = list(_MEANS)
_ERRORS: dict[str, str] = {
    AttemptError.CONNECT: "no connection",
    AttemptError.TLS: "no secure connection",
    AttemptError.TIMEOUT: "no answer in time",
    AttemptError.PROTOCOL: "the connection broke, or the answer was not HTTP",
    AttemptError.REFUSED: "not sent: the target is not allowed",
    AttemptError.BREAKER: "not sent: the host has not been there for a while",
}


class Unmailable(ValueError):
    """What is to be told cannot be put into a mail; of an owner, that what they are called by is no address."""


def compose(told: Sequence[Notification], *, sender: str, recipient: str, now: Instant) -> EmailMessage:
    """One mail of all these notifications, which have one owner. Raises Unmailable."""
    latest = list({one.event_id: one for one in told}.values())
    latest.sort(key=lambda one: (_ORDER.index(one.kind), one.happened))
    message = EmailMessage(policy=SMTP if recipient.isascii() else SMTPUTF8)
    message["From"] = Address("Carillon", addr_spec=sender)
    message["To"] = _address(recipient)
    try:
        message["Subject"] = _subject(latest)
    except ValueError as error:  # a line break in it, which nothing of ours lets in
        raise Unmailable(str(error)) from error
    message["Date"] = format_datetime(to_datetime(now))
    message["Message-ID"] = _name(told, sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        "\n".join(_lines(latest, whose="that you own" if recipient == told[0].event_owner else ON_CALL))
    )
    return message


def _address(owner: str) -> Address:
    if not owner.isprintable():
        raise Unmailable("the address has control characters")
    if not owner.isascii():  # the parser of addresses is older than these
        local, _, domain = owner.rpartition("@")
        return Address(username=local, domain=domain)
    try:
        return Address(addr_spec=owner)
    except (ValueError, IndexError, MessageError) as error:  # what the parser says to half an address
        raise Unmailable(str(error)) from error


def _name(told: Sequence[Notification], sender: str) -> str:
    """The same for the same notifications: a mail that is sent again can be recognised."""
    numbers = ",".join(str(one.id) for one in told)
    digest = blake2b(numbers.encode(), digest_size=8).hexdigest()
    return f"<{told[0].event_id}.{digest}@{sender.rpartition('@')[2]}>"


def _subject(latest: Sequence[Notification]) -> str:
    if len(latest) == 1:
        return f"Callback {latest[0].kind}: {latest[0].facts.host}"
    counts = Counter(one.kind for one in latest)
    return "Callbacks: " + ", ".join(f"{counts[kind]} {kind}" for kind in _ORDER if counts[kind])


def _lines(latest: Sequence[Notification], *, whose: str) -> Iterator[str]:
    yield f"This is about callbacks {whose}. Times are UTC."
    counts = Counter(one.kind for one in latest)
    for kind, group in groupby(islice(latest, LISTED_MOST), key=lambda one: one.kind):
        yield f"\n{kind.upper()} ({counts[kind]})\n{_MEANS[kind]}\n"
        for one in group:
            yield f"  {one.event_id} at {one.facts.host}\n    {_said(one)}"
    if len(latest) > LISTED_MOST:
        yield f"\nand {len(latest) - LISTED_MOST} more"


def _said(one: Notification) -> str:
    facts = one.facts
    match one.kind:
        case Kind.PAUSED:
            return f"paused at {iso(one.happened)}"
        case Kind.FAILING:
            return f"at {iso(one.happened)}, {_of(facts)}: {_why(facts)}"
        case Kind.RECOVERED:
            since = "" if facts.failing_since is None else f", after failing since {iso(facts.failing_since)}"
            return f"at {iso(one.happened)}, {_of(facts)} was delivered{since}"


def _of(facts: Facts) -> str:
    return "the occurrence" if facts.nominal is None else f"the occurrence of {iso(facts.nominal)}"


def _why(facts: Facts) -> str:
    return f"answered {facts.status_code}" if facts.status_code else _ERRORS.get(facts.error, facts.error)
