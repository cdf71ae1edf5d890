"""Whatever a process says, and however, is one JSON object a line; what errors were about is not said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from shared.observability.tracebacks import said_of, traceback_of
from tests.servers.processes import ROOT, environment

COMMAND = [sys.executable, "-m", "tests.unit.observability.talkative"]


@cache
def said(level: str) -> list[dict[str, Any]]:
    """The lines of a process that says everything."""
    done = subprocess.run(
        [*COMMAND, level, "S3CRET"], cwd=ROOT, env=environment({}), capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"S3CRET" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_an_object_that_says_when_how_bad_what_and_where_from() -> None:
    lines = said("info")

    assert all({"timestamp", "level", "event", "source"} <= line.keys() for line in lines)
    assert [(line["event"], line["level"], line["source"]) for line in lines] == [
        ("thing.told", "info", "talkative"),
        ("thing.held", "info", "talkative"),
        ("thing.told", "warning", "talkative"),
        ("library.complained", "warning", "library"),
        ("thing.told", "info", "talkative"),
        ("library.complained", "error", "library"),
        ("library.complained", "warning", "library"),
        ("library.complained", "warning", "py.warnings"),
        ("thing.failed", "error", "talkative"),
        ("thing.failed", "error", "talkative"),
        ("library.complained", "error", "asyncio"),
        ("thread.failed", "critical", "shared.observability.logs"),
        ("error.ignored", "error", "shared.observability.logs"),
        ("process.failed", "critical", "shared.observability.logs"),
    ]


def test_facts_are_fields_whatever_they_are() -> None:
    told = said("info")[0]

    assert (told["number"], told["odd"], told["none"]) == (1, "\ud800\n\x00é", None)
    assert "2026" in told["when"]


def test_an_object_is_what_its_repr_says_and_no_more() -> None:
    held = said("info")[1]

    assert (held["one"], held["more"]) == ("Holder(name='of one')", ["Holder(name='of more')"])


def test_a_context_is_in_its_lines_and_in_no_others() -> None:
    within = [(line["event"], line["application_id"]) for line in said("info") if line.get("request") == "r-1"]

    assert within == [("thing.told", 7)]


def test_libraries_are_quoted_without_what_they_speak_of() -> None:
    complaints = [line for line in said("info") if line["event"] == "library.complained"]

    assert [line["message"] for line in complaints[:3]] == ["it is %s", "two", "by a level of its own"]
    assert complaints[3]["message"].endswith("DeprecationWarning: this is old")
    assert complaints[4]["message"] == "Task exception was never retrieved"
    assert "ValueError" in complaints[4]["exception"]


def test_a_traceback_is_a_field_and_says_where_and_of_what_kind() -> None:
    chained, group = (line["exception"] for line in said("info") if line["event"] == "thing.failed")

    assert chained.index("ValueError\n\nThe above exception led to") < chained.index("\n__main__.Said")
    assert 'raise Said(f"no number: {secret}") from error' in chained
    assert "  | ConnectionRefusedError: [Errno 111] refused" in group
    assert group.endswith("  | KeyError")


def test_a_level_is_a_bound_for_libraries_as_well() -> None:
    assert {line["level"] for line in said("error")} == {"error", "critical"}


def test_whoever_writes_to_nobody_goes_on() -> None:
    """A pipe whose reader is gone."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        program = "\n".join((
            "from shared.observability.logs import configure, get_logger",
            "configure()",
            "get_logger('x').info('thing.told')",
            "print('went on')",
        ))
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment({}),
            stdout=subprocess.PIPE,
            stderr=writes,
            timeout=30,
            check=False,
        )
    finally:
        os.close(writes)

    assert done.stdout == b"went on\n"


class Refusal(Exception):
    """As asyncpg's errors are made."""

    sqlstate = "23514"
    table_name = "event"
    column_name = None
    constraint_name = "event_check"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refusal("S3CRET"), f"{__name__}.Refusal: 23514 event event_check"),
        (ValueError("S3CRET"), "ValueError"),
        (OSError(111, "refused\nS3CRET"), "ConnectionRefusedError: [Errno 111] refused"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_is_said_in_a_line(error: Exception, said: str) -> None:
    assert said_of(error) == said


def test_errors_that_led_to_each_other_in_a_circle_have_an_end() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one

    assert traceback_of(one) == "KeyError\n\nThe above exception led to this one:\n\nValueError"
