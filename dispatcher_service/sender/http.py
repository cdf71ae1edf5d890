"""One HTTP request and what came of it. It decides nothing: whether, when and how often is not its business.

Answers are read to a small cap, redirects are not followed, and addresses that are not allowed are not connected to
(`egress`). The last look before the bytes leave is the `fence`: a
process may be frozen between deciding and connecting, and must then not send what is no longer its to send.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from dispatcher_service.core.firing import Heard
from dispatcher_service.core.hosts import host_of
from dispatcher_service.sender.answers import RawHeaders, kept_headers, masked, secrets_of
from dispatcher_service.sender.egress import WAY, Guard, Way
from dispatcher_service.sender.exchange import Fence, Fenced, Parcel, Request
from shared.clock import Clock
from shared.domain.egress import Egress
from shared.domain.firing import AttemptError
from shared.observability.logs import get_logger
from shared.timing.instants import Instant

TIMEOUT_SECONDS: Final = 30.0
ANSWER_CAP_BYTES: Final = 4096
SWEEP_SECONDS: Final = 0.25
# Below what common servers allow an idle connection (Node: 5 s), so that we rarely send into one that is closing.
KEEPALIVE_SECONDS: Final = 4.0

# What RFC 3986 lets a URL consist of.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Answer:
    """What has been heard of an answer so far."""

    status_code: int = 0
    headers: RawHeaders = ()
    body: bytes = b""
    whole: bool = False


class HttpSender:
    """The way to strangers' URLs."""

    def __init__(self, *, clock: Clock, user_agent: str, egress: Egress) -> None:
        self._clock = clock
        self._user_agent = user_agent
        self._guard = Guard(egress)
        self._deadlines: dict[asyncio.Task[object], float] = {}
        self._expired: set[asyncio.Task[object]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, socket_factory=self._guard),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=Request,
            # Answers are kept as they come, so nothing is asked for that would have to be unpacked.
            headers={"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            # A timer a request costs a sixth of the throughput; one sweep over all deadlines costs nothing.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            trust_env=False,  # a proxy would connect where the guard does not see it
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def sweep(self) -> None:
        """End what takes too long, for ever; to the quarter of a second."""
        while True:
            await self._clock.sleep(SWEEP_SECONDS)
            now = self._clock.steady()
            for task in [task for task, deadline in self._deadlines.items() if deadline <= now]:
                if task not in self._expired:
                    self._expired.add(task)
                    task.cancel()

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        fence: Fence,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Heard:
        """POST once. Raises Fenced where the fence came down before anything was sent."""
        task = asyncio.current_task()
        assert task is not None, "runs in a task"  # noqa: S101
        WAY.set(way := Way(url))
        started, begun = self._clock.now(), self._clock.steady()
        answer, error = _Answer(), AttemptError.NONE
        self._deadlines[task] = begun + timeout_seconds
        try:
            await self._exchange(url, Parcel(body, headers, fence), answer)
        except asyncio.CancelledError:
            if task not in self._expired or task.uncancel() > 0:
                raise
            error = AttemptError.TIMEOUT
        except Fenced:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            error = AttemptError.REFUSED if self._guard.refused(way) else stage_of(problem)
        except Exception:  # one stranger's URL must not stop all rings
            log.exception("attempt.failed", host=host_of(url))
            error = AttemptError.PROTOCOL
        finally:
            del self._deadlines[task]
            self._expired.discard(task)
        duration_ms = round((self._clock.steady() - begun) * 1000)
        if not answer.status_code:
            return Heard(started=started, duration_ms=duration_ms, status_code=0, error=error)
        return _heard(answer, started, duration_ms, secrets_of(headers))

    async def _exchange(self, url: str, parcel: Parcel, answer: _Answer) -> None:
        assert self._session is not None, "entered"  # noqa: S101
        response = await self._session.post(target(url), data=parcel, allow_redirects=False)
        answer.status_code, answer.headers = response.status, response.raw_headers
        content = response.content
        try:
            while not content.at_eof():
                answer.body += await content.read(ANSWER_CAP_BYTES + 1 - len(answer.body))
                if len(answer.body) > ANSWER_CAP_BYTES:
                    return
            answer.whole = True  # and the connection has gone back to the others by itself
        finally:
            if not answer.whole:  # too much or too slow: the connection is not worth keeping
                response.close()


def _heard(answer: _Answer, started: Instant, duration_ms: int, secrets: tuple[bytes, ...]) -> Heard:
    """An answer's first line is the answer, whatever became of its body."""
    headers = kept_headers(answer.headers, secrets)
    is_delivered = 200 <= answer.status_code < 300
    return Heard(
        started=started,
        duration_ms=duration_ms,
        status_code=answer.status_code,
        error=AttemptError.NONE if is_delivered else AttemptError.STATUS,
        retry_after="" if is_delivered else dict(headers).get("retry-after", ""),
        headers=headers,
        body=masked(answer.body[:ANSWER_CAP_BYTES], secrets, cut=not answer.whole),
        truncated=not answer.whole,
    )


@lru_cache(maxsize=16_384)
def target(url: str) -> URL:
    """Where a request goes: as it was written, where that can be sent. `%2F` and `/` may differ to who is called."""
    return URL(url, encoded=_PLAIN.fullmatch(url) is not None)


def stage_of(problem: Exception) -> AttemptError:
    """At which stage an attempt failed."""
    if isinstance(problem, aiohttp.ClientSSLError | ssl.SSLError):
        return AttemptError.TLS
    if isinstance(problem, aiohttp.ClientConnectorError):
        return AttemptError.CONNECT
    if isinstance(problem, TimeoutError):
        return AttemptError.TIMEOUT
    if isinstance(problem, aiohttp.InvalidURL):
        return AttemptError.CONNECT
    return AttemptError.PROTOCOL
