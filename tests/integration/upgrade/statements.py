"""Which statement of a migration may run while the previous release works? Of forms that are known to be harmless.

What is harmless neither takes anything away that it reads, nor demands what it does not write, nor lets it wait.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_COMMENT = re.compile(r"--[^\n]*")
_NEW_TABLE = re.compile(r"create table (?P<table>\w+) \(.*\)(?: with \([^()]*\))?")
_NEW_INDEX = re.compile(r"create (?:unique )?index \w+ on (?P<table>\w+) .*")
_NEW_COLUMN = re.compile(r"alter table (?P<table>\w+) add column \w+ (?P<what>[^,]+)")
# To check or to write each row of a table takes as long as it has rows, and nobody else may write meanwhile.
_READS_ALL = re.compile(r"\b(?:unique|primary key|check|generated|references|clock_timestamp|random|gen_random_uuid)\b")

WAY_OUT = (
    "What the previous release reads goes a release later; what it does not write needs a default, or a table beside. "
    "If the statement is harmless all the same, say in tests/integration/upgrade/statements.py of which form it is."
)


def statements(text: str) -> list[str]:
    """The statements of a migration, each on one line and without comments."""
    parts = (" ".join(part.split()) for part in _COMMENT.sub("", text).split(";"))
    return [part for part in parts if part]


def refusals(texts: Collection[str], read_whole: Collection[str]) -> Iterator[str]:
    """What is wrong with which statement of these migrations.

    `read_whole` are tables of which the previous release reads rows as they are: another column breaks every statement
    that it has prepared, in the middle of a transaction.
    """
    told = [statement for text in texts for statement in statements(text)]
    new = {found["table"] for one in told if (found := _NEW_TABLE.fullmatch(one))}
    for one in told:
        if (fault := _fault(one, new, read_whole)) is not None:
            yield f"{one}: {fault}. {WAY_OUT}"


def read_whole(statement_files: Collection[str]) -> set[str]:
    """The tables of which statements in these texts read rows as they are, with all columns."""
    text = " ".join(" ".join(_COMMENT.sub("", one).split()) for one in statement_files)
    return {*re.findall(r"\b(\w+)\.\*", text), *re.findall(r"\bselect \* from (\w+)\b(?!_?\{)", text)}


def _fault(statement: str, new: Collection[str], whole: Collection[str]) -> str | None:
    if _NEW_TABLE.fullmatch(statement):
        return None
    if found := _NEW_INDEX.fullmatch(statement):
        return None if found["table"] in new else "nobody can write the table until the index is made"
    if found := _NEW_COLUMN.fullmatch(statement):
        return None if found["table"] in new else _fault_of_column(found["table"], found["what"], whole)
    return "it is none of the forms that are known to be harmless"


def _fault_of_column(table: str, what: str, whole: Collection[str]) -> str | None:
    if table in whole:
        return f"the previous release reads {table}.*"
    if "not null" in what and " default " not in f" {what} ":
        return "the previous release writes rows without it"
    return "all rows are read or written, and the table is locked meanwhile" if _READS_ALL.search(what) else None
