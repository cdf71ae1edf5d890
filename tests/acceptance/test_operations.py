"""docs/operations.md, typed from an empty database and broker to a ring, a restore, a rotation, and nothing again."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.judging import SECOND
from tests.acceptance.newcomer import running_in
from tests.acceptance.operator import is_seen, machine, type_all
from tests.servers.postgres import Postgres
from tests.servers.rabbit import Rabbit

RANG = re.compile(r"^rang /first \S+-(\d+) ", re.MULTILINE)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Empty, and an operator's own."""
    with tempfile.TemporaryDirectory(prefix="carillon-") as path:
        yield Path(path)


@pytest.mark.timeout(300)
def test_the_document_can_be_typed(folder: Path, postgres: Postgres, rabbit: Rabbit) -> None:
    surroundings = machine(
        folder,
        rabbitmqctl=rabbit.ctl_line(),
        PG_ADMIN=postgres.dsn,
        PG=re.split("[@/]", postgres.dsn)[3],
        RABBIT=re.split("[@/]", rabbit.url)[3],
    )

    for step, said in type_all(folder, surroundings):
        assert is_seen(step.seen, said), f"{step.typed}\nshows {said}\nand not {step.seen}"

    # Over an upgrade, a restore and a rotation no second stayed silent, and nothing is left behind.
    rung = {int(moment) for moment in RANG.findall((folder / "rings.log").read_text())}
    assert [moment for moment in range(min(rung), max(rung), SECOND) if moment not in rung] == []
    assert running_in(folder) == []
    assert "carillon_" not in rabbit.ctl("list_users")
