"""A cursor says where a page goes on, and whatever else is handed in is refused, not guessed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.cursors import LENGTH, Cursor, instant_part, uuid_part, write_cursor
from api_service.schemas.reading import Strict, read
from shared.domain.errors import InvalidInput


class _Page(Strict):
    cursor = Cursor(instant_part, uuid_part)


def place_of(sent: Any) -> Any:
    return read(_Page(), {"cursor": sent})["cursor"]


@given(st.integers(0, 253_402_300_799_999), st.uuids())
def test_what_was_written_is_read(moment: int, name: UUID) -> None:
    cursor = write_cursor(moment, str(name))

    assert place_of(cursor) == (moment, name)
    assert len(cursor) <= LENGTH
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.one_of(st.text(), st.integers(), st.binary().map(lambda b: b.hex()), st.lists(st.integers() | st.text())))
def test_anything_else_is_refused(sent: Any) -> None:
    for cursor in (sent, write_cursor(*sent) if isinstance(sent, list) else sent):
        with pytest.raises(InvalidInput, match="cursor should"):
            place_of(cursor)


@pytest.mark.parametrize("moment", [True, 1.5, "1", None, -(10**18), 10**18, 10**90])
def test_a_moment_is_one_that_can_be_stored(moment: Any) -> None:
    with pytest.raises(InvalidInput, match="cursor should"):
        place_of(write_cursor(moment, str(UUID(int=1))))
