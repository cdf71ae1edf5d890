"""A TCP proxy that can fall silent: a peer that is there, and never answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Proxy:
    """Between a client and a server; `freeze` holds back every byte of the connections there are, and keeps them open.

    A connection made afterwards is not affected by `freeze`. By `cut` every connection is, also those made meanwhile,
    in one direction or both; `heal` lets flow what was held back, as TCP would send it again.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._frozen = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self._upstreams: set[asyncio.StreamWriter] = set()
        self._towards_server = asyncio.Event()
        self._towards_client = asyncio.Event()
        self.heal()
        self.port = 0

    def cut(self, *, towards_server: bool = True, towards_client: bool = True) -> None:
        """Nothing arrives in these directions any more, not even that a peer has hung up."""
        if towards_server:
            self._towards_server.clear()
        if towards_client:
            self._towards_client.clear()

    def heal(self) -> None:
        self._towards_server.set()
        self._towards_client.set()

    def freeze(self) -> None:
        self._frozen.set()
        self._frozen = asyncio.Event()

    def reset_server(self) -> None:
        """The server loses every connection at once; a client whose connection is frozen hears nothing of it."""
        for upstream in tuple(self._upstreams):
            upstream.transport.abort()
        self._upstreams.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        except (OSError, asyncio.CancelledError):  # the server is away, or this is the end
            writer.transport.abort()
            self._pumps.discard(task)
            return
        try:
            self._upstreams.add(upstream_writer)
            frozen = self._frozen
            await asyncio.gather(
                self._pump(reader, upstream_writer, frozen, self._towards_server),
                self._pump(upstream_reader, writer, frozen, self._towards_client),
            )
        except asyncio.CancelledError:
            writer.transport.abort()
            upstream_writer.transport.abort()
        finally:
            self._upstreams.discard(upstream_writer)
            self._pumps.discard(task)

    async def end(self) -> None:
        pumps = tuple(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frozen: asyncio.Event,
        flows: asyncio.Event,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if frozen.is_set():
                    await asyncio.Event().wait()  # until the end
                await flows.wait()
                writer.write(data)
                await writer.drain()
        await flows.wait()
        if not frozen.is_set():
            writer.close()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy("127.0.0.1", port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
