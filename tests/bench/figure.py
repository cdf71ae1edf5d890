"""One figure beside its floor and its goal; and all of them as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

HEAD: Final = ("row", "what", "measured", "floor", "ratio", "goal", "")
LEFT: Final = frozenset({0, 1, 6})  # columns of words


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure, or its ratio to the floor, is to be: at least or at most this."""

    of: Literal["value", "ratio"]
    sense: Literal[">=", "<="]
    bound: float

    def is_met(self, figure: Figure) -> bool:
        """Is the figure as it should be?"""
        measured = figure.value if self.of == "value" else figure.ratio
        assert measured is not None  # a figure with such a goal has a floor
        return measured >= self.bound if self.sense == ">=" else measured <= self.bound

    def __str__(self) -> str:
        sign = {">=": "≥", "<=": "≤"}[self.sense]
        return f"{sign} {number(self.bound)}{' ×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, in `unit`; `floor` is what was measured beside it, in the same unit, and of what."""

    row: str
    what: str
    value: float
    unit: str
    floor: float | None = None
    floor_of: str = ""
    goal: Goal | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """A figure that cannot be judged is its row's failure, and not the table's."""
        if self.goal is not None and self.goal.of == "ratio" and not self.floor:
            raise ValueError(f"a goal for a ratio needs a floor: {self.what}: {self.value:g} beside {self.floor}")

    @property
    def ratio(self) -> float | None:
        """How many times the floor."""
        return self.value / self.floor if self.floor else None

    def cells(self) -> tuple[str, ...]:
        """The figure as a line of the table."""
        ratio = self.ratio
        return (
            self.row,
            self.what,
            f"{number(self.value)} {self.unit}".strip(),
            "" if self.floor is None else number(self.floor),
            "" if ratio is None else f"{ratio:.2f}",
            "" if self.goal is None else str(self.goal),
            self._verdict(),
        )

    def told(self) -> dict[str, Any]:
        """The figure as JSON has it."""
        return {
            "row": self.row,
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "floorOf": self.floor_of,
            "ratio": self.ratio,
            "goal": None if self.goal is None else str(self.goal),
            "met": None if self.goal is None else self.goal.is_met(self),
            "note": self.note,
        }

    def _verdict(self) -> str:
        met = "" if self.goal is None else "met" if self.goal.is_met(self) else "MISSED"
        return "; ".join(word for word in (met, self.note) if word)


def table(figures: Iterable[Figure]) -> str:
    """All figures, a line each, below their heads."""
    lines = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    return "\n".join(_line(cells, widths) for cells in lines)


def number(value: float) -> str:
    """Three figures that count, and no more digits than a person reads."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    placed = (
        cell.ljust(width) if place in LEFT else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(placed).rstrip()
