"""What is ours of a request and its answer, below aiohttp's session: heads, fences, connections that are used again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from dispatcher_service.core.firing import Heard
from dispatcher_service.sender.exchange import Fenced
from dispatcher_service.sender.http import HttpSender
from shared.clock import SystemClock
from shared.domain.egress import Egress
from shared.domain.firing import AttemptError
from tests.servers.stranger import OK, Visit, stranger

# A key and its certificate for localhost that nobody trusts but these tests.
TLS = Path(__file__).parents[2] / "data" / "tls" / "localhost.pem"
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def sending() -> AsyncIterator[HttpSender]:
    sender = HttpSender(clock=SystemClock(), user_agent="carillon/1.2.3", egress=Egress.of("127.0.0.0/8"))
    async with asyncio.TaskGroup() as tasks, sender:
        sweeping = tasks.create_task(sender.sweep())
        yield sender
        sweeping.cancel()


async def post(
    sender: HttpSender,
    url: str,
    body: bytes = b"{}",
    *,
    headers: dict[str, str] = JSON,
    fence: Callable[[], bool] = lambda: True,
    timeout_seconds: float = 5.0,
) -> Heard:
    return await sender.post(url, body, headers, fence, timeout_seconds=timeout_seconds)


async def test_an_event_may_say_what_it_accepts_and_that_is_all_that_is_said() -> None:
    async with stranger() as receiver, sending() as sender:
        await post(sender, receiver.url, headers=JSON | {"accept": "text/plain"})

        (visit,) = receiver.visits
        assert visit.head.lower().count("\r\naccept: ") == 1
        assert visit.headers["accept"] == "text/plain"


async def test_who_the_url_names_is_said_in_a_header_and_nowhere_else() -> None:
    async with stranger() as receiver, sending() as sender:
        await post(sender, f"http://al%20i:secret@127.0.0.1:{receiver.port}/x")

        (visit,) = receiver.visits
        assert visit.line == "POST /x HTTP/1.1"
        assert visit.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert visit.headers["authorization"] == "Basic YWwgaTpzZWNyZXQ="


async def test_what_an_event_says_of_itself_comes_before_what_its_url_says() -> None:
    async with stranger() as receiver, sending() as sender:
        await post(sender, f"http://ali@127.0.0.1:{receiver.port}/", headers=JSON | {"authorization": "Bearer x"})

        (visit,) = receiver.visits
        assert visit.head.lower().count("\r\nauthorization: ") == 1
        assert visit.headers["authorization"] == "Bearer x"


@pytest.mark.parametrize("name", ["X-Evil", "X\r\nEvil", "X\x00"])
@pytest.mark.parametrize("value", ["a\r\nX-More: b", "a\nb", "a\rb", "a\x00b", "a\x7fb"])
async def test_what_would_end_a_header_is_not_sent(name: str, value: str) -> None:
    async with stranger() as receiver, sending() as sender:
        answer = await post(sender, receiver.url, headers=JSON | {name: value})

        assert (answer.status_code, answer.error) == (0, AttemptError.PROTOCOL)
        assert receiver.bytes_taken == 0


@pytest.mark.parametrize("value", ["a\tb", "ä ö", "\u2028", ""])
async def test_what_may_be_in_a_header_is_sent(value: str) -> None:
    async with stranger() as receiver, sending() as sender:
        await post(sender, receiver.url, headers=JSON | {"X-Own": value})

        assert receiver.visits[0].head.split("X-Own:")[1].split("\r\n")[0] == f" {value}"


async def test_a_body_that_no_buffer_holds_arrives_whole() -> None:
    body = bytes(range(256)) * 40_000
    async with stranger() as receiver, sending() as sender:
        answers = [await post(sender, receiver.url, body) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert [visit.body for visit in receiver.visits] == [body, body]


async def test_a_connection_whose_request_was_answered_before_it_had_left_is_not_used_again() -> None:
    """Otherwise the rest of that request would stand before the next one."""
    answered: asyncio.Queue[bytes] = asyncio.Queue()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        with suppress(OSError):
            await reader.read()
        writer.close()
        answered.put_nowait(head)

    server = await asyncio.start_server(hasty, "127.0.0.1", 0, limit=1_000)
    async with server:
        async with sending() as sender:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            answers = [await post(sender, url, b"x" * size) for size in (50_000_000, 2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert [(await answered.get())[:4] for _ in answers] == [b"POST", b"POST"]


async def test_what_a_server_says_unasked_is_no_answer() -> None:
    """Servers say goodbye to an idle connection. Whoever believes it has sent nothing, and calls it delivered."""

    async def talkative(visit: Visit) -> None:
        if visit.connection == 2:  # what is said on the first is there before our answer here
            await receiver.visits[0].say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
        await visit.say(OK)

    async with stranger(talkative) as receiver, sending() as sender:
        elsewhere = f"http://localhost:{receiver.port}"
        answers = [await post(sender, url) for url in (receiver.url, elsewhere, receiver.url, receiver.url)]

        assert [answer.status_code for answer in answers] == [200, 200, 0, 200]
        assert answers[2].error is AttemptError.PROTOCOL
        assert len(receiver.visits) == 3


STRAY = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("is_up", [True, False])
async def test_what_comes_between_the_choice_of_a_connection_and_the_request_is_no_answer(is_up: bool) -> None:
    """In the one turn of the loop that lies between. Nothing leaves then, and a fence that is down still tells."""
    async with stranger() as receiver, sending() as sender:
        await post(sender, receiver.url)
        assert sender._session is not None
        assert sender._session.connector is not None
        ((protocol, _),) = next(iter(sender._session.connector._conns.values()))

        attempt = asyncio.create_task(post(sender, receiver.url, fence=lambda: is_up))
        asyncio.get_running_loop().call_soon(protocol.data_received, STRAY)
        if is_up:
            assert (await attempt).error is AttemptError.PROTOCOL
        else:
            with pytest.raises(Fenced):
                await attempt
        again = await post(sender, receiver.url)

        assert again.status_code == 200
        assert len(receiver.visits) == 2
        assert receiver.connections == 2


async def test_what_is_said_before_the_answer_is_not_the_answer() -> None:
    async def early(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await visit.say(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async with stranger(early) as receiver, sending() as sender:
        answers = [await post(sender, receiver.url) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert receiver.connections == 1


async def test_a_server_that_wants_to_speak_something_else_is_heard_and_left() -> None:
    async def switching(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")

    async with stranger(switching) as receiver, sending() as sender:
        answers = [await post(sender, receiver.url) for _ in range(2)]

        assert [(answer.status_code, answer.error) for answer in answers] == [(101, AttemptError.STATUS)] * 2
        assert receiver.connections == 2


async def test_a_fence_is_asked_when_the_bytes_are_to_leave_and_the_next_request_is_as_good_as_ever() -> None:
    """Not when the request is made: others have their turn between, and a process may be frozen there."""
    turns: list[str] = []

    async with stranger() as receiver, sending() as sender:

        def fence() -> bool:
            turns.append("fence")
            return False

        async def fenced() -> None:
            with pytest.raises(Fenced):
                await post(sender, receiver.url, fence=fence)

        await post(sender, receiver.url)
        attempt = asyncio.create_task(fenced())
        asyncio.get_running_loop().call_soon(turns.append, "another")
        await attempt
        await post(sender, receiver.url)

        assert turns == ["another", "fence"]
        assert len(receiver.visits) == 2


async def test_a_receiver_behind_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(TLS)
    ours = ssl.create_default_context(cafile=TLS)
    bodies: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(line for line in head.split("\r\n") if line.startswith("Content-Length"))
            bodies.put_nowait(await reader.readexactly(int(length.partition(": ")[2])))
            writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=theirs)
    async with server, sending() as sender:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        assert (await post(sender, url)).error is AttemptError.TLS, "nobody else trusts it"
        monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ours)
        answers = [await post(sender, url, b"y" * size) for size in (2, 3_000_000)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [len(await bodies.get()) for _ in answers] == [2, 3_000_000]


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""
