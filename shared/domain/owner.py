"""Who an event belongs to: somebody with a mailbox, or whoever is on call on a schedule."""

from __future__ import annotations

from typing import Final

from shared.domain.ids import names_one
from shared.domain.schedule import SCHEDULE_PREFIX

ON_CALL: Final = "oncall:"


def schedule_of(owner: str) -> str | None:
    """The ULID or prefix id of the schedule that owns; None where a mailbox does."""
    return owner.removeprefix(ON_CALL) if owner.startswith(ON_CALL) else None


def names_schedule(owner: str) -> bool:
    """Could a schedule be called what this owner names?"""
    name = schedule_of(owner)
    return name is not None and names_one(name, SCHEDULE_PREFIX)
