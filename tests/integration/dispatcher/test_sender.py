"""One request over a real socket: what leaves, what is made of every kind of answer, and what must not leave at all."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from dispatcher_service.core.firing import Heard
from dispatcher_service.sender.exchange import Fenced
from dispatcher_service.sender.http import ANSWER_CAP_BYTES, HttpSender, stage_of
from shared.clock import SystemClock
from shared.domain.egress import Egress
from shared.domain.firing import AttemptError
from tests.servers.stranger import OK, Visit, stranger

BODY = '{"user_id": 330, "ä": [1, 2]}'.encode()
HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": "01ARZ3NDEKTSV4RRFFQ69G5FAV-1767225601000",
    "webhook-timestamp": "1767225601",
    "carillon-event-id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "carillon-nominal-time": "2026-01-01T00:00:01.000Z",
    "carillon-attempt": "1",
    "carillon-epoch": "7",
}


@asynccontextmanager
async def sending(egress: str = "127.0.0.0/8") -> AsyncIterator[HttpSender]:
    sender = HttpSender(clock=SystemClock(), user_agent="carillon/1.2.3", egress=Egress.of(egress))
    async with asyncio.TaskGroup() as tasks, sender:
        sweeping = tasks.create_task(sender.sweep())
        yield sender
        sweeping.cancel()


async def post(sender: HttpSender, url: str, *, timeout_seconds: float = 5.0, **headers: str) -> Heard:
    return await sender.post(url, BODY, HEADERS | headers, lambda: True, timeout_seconds=timeout_seconds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_headers_and_body_leave_to_the_byte() -> None:
    async with stranger() as receiver, sending() as sender:
        answer = await post(sender, f"{receiver.url}/ring/me?a=b%2Fc&d=e+f")

        (visit,) = receiver.visits
        assert visit.line == "POST /ring/me?a=b%2Fc&d=e+f HTTP/1.1"
        assert visit.body == BODY
        expected = {name.lower(): value for name, value in HEADERS.items()} | {
            "user-agent": "carillon/1.2.3",
            "content-length": str(len(BODY)),
            "host": f"127.0.0.1:{receiver.port}",
            "accept": "*/*",
            "accept-encoding": "identity",
        }
        assert visit.headers == expected
        assert (answer.status_code, answer.error) == (200, AttemptError.NONE)
        assert 0 <= answer.duration_ms < 2_000
        assert abs(answer.started - SystemClock().now()) < 5_000


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/a%2Fb/%7euser?x=%2F&y=%20", "/a%2Fb/%7euser?x=%2F&y=%20"),
        ("/a/../b#fragment", "/a/../b"),
        ("/ä?ö=ü", "/%C3%A4?%C3%B6=%C3%BC"),
        ("/a b", "/a%20b"),
        ("/a\r\nX-Evil: 1", "/aX-Evil:%201"),
    ],
)
async def test_a_url_is_called_as_it_was_written_where_that_can_be_sent(path: str, arrives: str) -> None:
    async with stranger() as receiver, sending() as sender:
        await post(sender, receiver.url + path)

        assert [visit.line for visit in receiver.visits] in ([f"POST {arrives} HTTP/1.1"], [])
        assert receiver.visits or "\r" in path


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_two_hundred_and_something_is_delivered(status: int) -> None:
    async def manners(visit: Visit) -> None:
        await visit.say(f"HTTP/1.1 {status} Fine\r\nContent-Length: 0\r\n\r\n".encode())

    async with stranger(manners) as receiver, sending() as sender:
        answer = await post(sender, receiver.url)

    assert (answer.status_code, answer.error) == (status, AttemptError.NONE)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
async def test_anything_else_is_not_and_redirects_are_not_followed(status: int) -> None:
    async def manners(visit: Visit) -> None:
        answer = f"HTTP/1.1 {status} Other\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        await visit.say(answer.encode())

    async with stranger(manners) as receiver, sending() as sender:
        answer = await post(sender, receiver.url)

        assert (answer.status_code, answer.error) == (status, AttemptError.STATUS)
        assert len(receiver.visits) == 1


async def hang(visit: Visit) -> None:
    del visit
    await asyncio.Event().wait()


async def drip(visit: Visit) -> None:
    """A byte now and then: never silent, and never done."""
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n")
    while True:
        await visit.say(b"X-Slow: y\r\n")
        await SystemClock().sleep(0.02)


async def drip_body(visit: Visit) -> None:
    """An answer at once, and its body never done."""
    await visit.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n")
    while True:
        await visit.say(b"x")
        await SystemClock().sleep(0.02)


async def test_an_answer_counts_from_its_first_line_however_slow_its_body() -> None:
    """Otherwise a receiver that took the callback would be called again."""
    async with stranger(drip_body) as receiver, sending() as sender:
        async with asyncio.timeout(3):
            answer = await post(sender, receiver.url, timeout_seconds=0.2)

        assert (answer.status_code, answer.error) == (202, AttemptError.NONE)
        assert 190 <= answer.duration_ms < 1_500


async def test_an_answer_counts_though_its_body_ends_too_soon() -> None:
    async def manners(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nshort")
        visit.writer.close()

    async with stranger(manners) as receiver, sending() as sender:
        answer = await post(sender, receiver.url)

    assert (answer.status_code, answer.error) == (503, AttemptError.STATUS)


@pytest.mark.parametrize("manners", [hang, drip])
async def test_what_takes_too_long_is_ended(manners: object) -> None:
    assert callable(manners)
    async with stranger(manners) as receiver, sending() as sender:
        async with asyncio.timeout(3):
            answer = await post(sender, receiver.url, timeout_seconds=0.2)

        assert (answer.status_code, answer.error) == (0, AttemptError.TIMEOUT)
        assert 190 <= answer.duration_ms < 1_500
        again = asyncio.current_task()
        assert again is not None
        assert again.cancelling() == 0, "the worker goes on"


async def test_a_cancelled_attempt_is_cancelled_and_no_timeout() -> None:
    async with stranger(hang) as receiver, sending() as sender, asyncio.TaskGroup() as tasks:
        attempt = tasks.create_task(post(sender, receiver.url))
        await receiver.visited.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt


async def test_nobody_listens() -> None:
    async with sending() as sender:
        answer = await post(sender, f"http://127.0.0.1:{free_port()}/")

    assert (answer.status_code, answer.error) == (0, AttemptError.CONNECT)


@pytest.mark.parametrize(
    "url", ["http://name.invalid/", "http://[::1/", "http://", "no url", "http://127.0.0.1:99999/", "ftp://x.test/"]
)
async def test_what_leads_nowhere_is_an_outcome_and_no_exception(url: str) -> None:
    async with sending() as sender:
        answer = await post(sender, url)

    assert answer.status_code == 0
    assert answer.error in {AttemptError.CONNECT, AttemptError.PROTOCOL}


BROKEN = {
    "no HTTP": b"220 smtp ready\r\n\r\n",
    "half a head": b"HTTP/1.1 200 O",
    "nothing": b"",
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_a_protocol_error(answer: bytes) -> None:
    async def manners(visit: Visit) -> None:
        await visit.say(answer)
        visit.writer.close()

    async with stranger(manners) as receiver, sending() as sender:
        result = await post(sender, receiver.url)

    assert (result.status_code, result.error) == (0, AttemptError.PROTOCOL)


async def test_a_huge_answer_is_read_to_the_cap_and_the_connection_is_dropped() -> None:
    sent = 0

    async def manners(visit: Visit) -> None:
        nonlocal sent
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await visit.say(b"x" * 65_536)
            sent += 65_536

    async with stranger(manners) as receiver, sending() as sender:
        async with asyncio.timeout(3):
            answer = await post(sender, receiver.url)
            await receiver.gone.wait()

    assert (answer.status_code, answer.error) == (200, AttemptError.NONE)
    assert sent < 50_000_000, "what the kernel's buffers take, and no more"


async def test_an_answer_of_exactly_the_cap_is_fine() -> None:
    async def manners(visit: Visit) -> None:
        body = b"x" * ANSWER_CAP_BYTES
        await visit.say(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    async with stranger(manners) as receiver, sending() as sender:
        answers = [await post(sender, receiver.url) for _ in range(2)]

    assert [answer.error for answer in answers] == [AttemptError.NONE] * 2


@pytest.mark.parametrize("body", [gzip.compress(b"x" * 10_000_000, mtime=0), b"no gzip at all"])
async def test_a_compressed_answer_is_not_unpacked(body: bytes) -> None:
    """Ten megabytes in ten kilobytes, or what only says that it is compressed: nobody looks inside."""

    async def manners(visit: Visit) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        await visit.say(head.encode() + body)

    async with stranger(manners) as receiver, sending() as sender:
        answer = await post(sender, receiver.url)

    assert (answer.status_code, answer.error) == (200, AttemptError.NONE)


async def test_connections_are_used_again() -> None:
    async with stranger() as receiver, sending() as sender:
        for _ in range(5):
            await post(sender, receiver.url)

        assert (len(receiver.visits), receiver.connections) == (5, 1)


async def test_cookies_are_not_kept() -> None:
    async def manners(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async with stranger(manners) as receiver, sending() as sender:
        for _ in range(2):
            await post(sender, receiver.url)

        assert all("cookie" not in visit.headers for visit in receiver.visits)


async def test_a_fence_that_is_down_sends_nothing() -> None:
    async with stranger() as receiver, sending() as sender:
        with pytest.raises(Fenced):
            await sender.post(receiver.url, BODY, HEADERS, lambda: False)
        await post(sender, receiver.url)

        assert len(receiver.visits) == 1


async def test_a_fence_that_comes_down_while_connecting_sends_nothing() -> None:
    """Frozen inside connect. Without the look in `Request._leave` the request leaves, and this is red."""
    connecting, go_on, up = asyncio.Event(), asyncio.Event(), True

    class Slow(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            connecting.set()
            await go_on.wait()
            return [
                ResolveResult(
                    hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
                )
            ]

        async def close(self) -> None:
            return

    async with stranger() as receiver, sending() as sender, asyncio.TaskGroup() as tasks:
        assert sender._session is not None
        assert isinstance(sender._session.connector, aiohttp.TCPConnector)
        sender._session.connector._resolver = Slow()

        async def attempt() -> bool:
            try:
                await sender.post(f"http://receiver.test:{receiver.port}/", BODY, HEADERS, lambda: up)
            except Fenced:
                return False
            return True

        leaves = tasks.create_task(attempt())
        await connecting.wait()
        up = False
        go_on.set()
        assert not await leaves

        assert receiver.bytes_taken == 0


async def test_each_attempt_has_its_own_fence() -> None:
    async with stranger() as receiver, sending() as sender:

        async def attempt(number: int) -> bool:
            try:
                await sender.post(f"{receiver.url}/{number}", BODY, HEADERS, lambda: number % 2 == 0)
            except Fenced:
                return False
            return True

        async with asyncio.TaskGroup() as tasks:
            attempts = [tasks.create_task(attempt(number)) for number in range(20)]

        assert [one.result() for one in attempts] == [number % 2 == 0 for number in range(20)]
        assert len(receiver.visits) == 10


async def test_what_nobody_foresaw_is_an_outcome_and_stops_nothing() -> None:
    async with stranger() as receiver, sending() as sender:

        def fence() -> bool:
            raise LookupError("a fault in a library, say")

        answer = await sender.post(receiver.url, BODY, HEADERS, fence)

    assert answer.error is AttemptError.PROTOCOL


def test_tls_is_told_from_the_rest() -> None:
    key = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)

    assert stage_of(aiohttp.ClientConnectorSSLError(key, OSError("x"))) is AttemptError.TLS
    assert stage_of(aiohttp.ClientConnectorCertificateError(key, ValueError("x"))) is AttemptError.TLS


async def test_a_server_that_speaks_no_tls_is_a_failure_of_tls() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, sending() as sender:
        answer = await post(sender, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    assert answer.error is AttemptError.TLS
