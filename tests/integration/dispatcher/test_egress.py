"""The guard over real sockets, and what is kept of an answer."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from dispatcher_service.sender.answers import masked
from dispatcher_service.sender.http import ANSWER_CAP_BYTES, HttpSender
from shared.domain.firing import AttemptError
from tests.integration.dispatcher.test_sender import post, sending
from tests.servers.stranger import Visit, stranger

PUBLIC, LOOPBACK, OTHER = "93.184.215.14", "127.0.0.1", "127.0.0.2"


class Turncoat(AbstractResolver):
    """Gives one answer after another."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in self.answers.pop(0)
        ]

    async def close(self) -> None:
        return


def resolve_by(sender: HttpSender, resolver: AbstractResolver) -> None:
    assert sender._session is not None
    assert isinstance(sender._session.connector, aiohttp.TCPConnector)
    sender._session.connector._resolver = resolver


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "localhost"]
)
async def test_no_spelling_reaches_this_machine(host: str) -> None:
    """Shown to fail where the guard refuses no address."""
    async with stranger() as receiver, sending("") as sender:
        answer = await post(sender, f"http://{host}:{receiver.port}/")

        assert (answer.status_code, answer.error, answer.headers, answer.body) == (0, AttemptError.REFUSED, (), b"")
        assert receiver.connections == 0


async def test_the_address_counts_that_is_connected_to_and_not_the_one_looked_up_before() -> None:
    """Shown to fail where the guard judges the URL's host and not the address."""
    async with stranger() as receiver, sending("") as sender:
        resolver = Turncoat([PUBLIC], [LOOPBACK], [OTHER, LOOPBACK])
        resolve_by(sender, resolver)
        assert (await resolver.resolve("a.test"))[0]["host"] == PUBLIC

        answers = [await post(sender, f"http://{name}.test:{receiver.port}/") for name in "ab"]

        assert [answer.error for answer in answers] == [AttemptError.REFUSED] * 2
        assert receiver.connections == 0


async def test_of_several_addresses_the_allowed_one_is_called() -> None:
    """Shown to fail where one refused address refuses all that follow."""
    async with stranger() as receiver, sending("127.0.0.1") as sender:
        resolve_by(sender, Turncoat([OTHER, LOOPBACK]))

        assert (await post(sender, f"http://a.test:{receiver.port}/")).status_code == 200


async def test_a_host_on_the_list_may_lead_anywhere_and_no_other() -> None:
    """Shown to fail where any host on the list opens the way for all."""
    async with stranger() as receiver, sending("a.test") as sender:
        resolve_by(sender, Turncoat([LOOPBACK], [LOOPBACK]))
        answers = [await post(sender, f"http://{name}.test:{receiver.port}/") for name in "ab"]

    assert [answer.error for answer in answers] == [AttemptError.NONE, AttemptError.REFUSED]


async def test_neither_a_redirect_nor_a_proxy_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown to fail with `allow_redirects`, and with `trust_env`."""

    async def redirect(visit: Visit) -> None:
        location = f"http://me:s3cret@127.0.0.2:{other.port}/x?token=1"
        await visit.say(f"HTTP/1.1 307 R\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    async with stranger() as other, stranger(redirect) as receiver, sending("127.0.0.1") as sender:
        monkeypatch.setenv("http_proxy", other.url)
        answer = await post(sender, receiver.url)

        assert answer.status_code == 307
        assert answer.headers[0] == ("location", f"http://127.0.0.2:{other.port}/x")
        assert other.connections == 0


async def test_an_answer_is_kept_without_what_was_secret() -> None:
    """Shown to fail where the body is not masked, and where the headers are not."""

    async def echo(visit: Visit) -> None:
        said = b"you said s3cr3t-token" + b"x" * 8000
        head = f"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nServer: s3cr3t-token {'y' * 999}\r\nX-Else: 1\r\n"
        await visit.say(f"{head}Content-Length: {len(said)}\r\n\r\n".encode() + said)

    async with stranger(echo) as receiver, sending() as sender:
        answer = await post(sender, receiver.url, Authorization="Bearer s3cr3t-token")

    kept = dict(answer.headers)
    assert answer.retry_after == "7"
    assert kept.keys() == {"retry-after", "server", "content-length"}
    assert kept["server"].startswith("*** y")
    assert len(kept["server"]) == 256
    assert answer.body.startswith(b"you said ***x")
    assert len(answer.body) <= ANSWER_CAP_BYTES
    assert answer.truncated


def test_the_beginning_of_a_secret_is_masked_where_the_text_was_cut() -> None:
    """Shown to fail where only whole secrets are masked."""
    assert masked(b"a topsecret b topse", [b"topsecret"], cut=True) == b"a *** b ***"
    assert masked(b"a topse", [b"topsecret"]) == b"a topse"
