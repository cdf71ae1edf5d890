"""Servers for the tests that ask for them, started at first use and ended with the session.

Under pytest-xdist each worker has servers of its own: a test may then stop a broker or raise its alarm without
disturbing another worker's test. `--dist loadfile` or `loadgroup` keeps down how many workers need one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import release
from tests.servers.postgres import Postgres
from tests.servers.rabbit import Rabbit, provide


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short name, which any user may pass through; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="carillon-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def rabbit(scratch: Path) -> Iterator[Rabbit]:
    """A broker that a test may stop, kill and give orders to; whoever does leaves it running and well."""
    broker = provide(scratch / "rabbit")
    try:
        yield broker
    finally:
        broker.close()


@pytest.fixture(scope="session")
def rabbit_url(request: pytest.FixtureRequest) -> str:
    """A broker to talk to: the one that AMQP_URL names, or our own. Keep to a `bus_prefix`."""
    if named := os.environ.get("AMQP_URL"):
        return named
    broker: Rabbit = request.getfixturevalue("rabbit")
    return broker.url


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Postgres]:
    """A server; `await postgres.fresh_database(migrate)` is a database of a test's own."""
    server = Postgres(scratch / "postgres")
    server.start()
    try:
        yield server
    finally:
        server.erase()


@pytest.fixture(scope="session")
def previous(scratch: Path) -> Path:
    """The code of the previous release, in a folder of its own."""
    return release.unpacked(scratch / "previous")


@pytest.fixture
def bus_prefix() -> str:
    """A prefix for the names of queues and exchanges that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"
