"""Migrations only add, quickly, and beside what the previous release reads; ours lets the next one add as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from api_service.store import migrations
from tests.architecture.tree import ROOT
from tests.integration.upgrade.statements import read_whole, refusals, statements
from tests.servers import release

STORE = "api_service/store"
BEFORE = {Path(name).name: release.text(name) for name in release.names(f"{STORE}/migrations")}
THEIR_SQL = [release.text(name) for name in release.names(STORE) if name.endswith(".sql") and "migrations/" not in name]
OUR_SQL = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted((ROOT / STORE).rglob("*.sql"))
    if path.parent.name != "migrations" and path.name != "schema.sql"
}
AFTER = {path.name: path.read_text() for path in sorted(migrations.FOLDER.glob("*.sql")) if path.name not in BEFORE}


def test_what_the_previous_release_has_applied_is_what_it_was() -> None:
    ours = {path.name: path.read_text() for path in migrations.FOLDER.glob("*.sql")}

    assert {name: ours.get(name) for name in BEFORE} == BEFORE
    assert not AFTER or min(AFTER) > max(BEFORE)


def test_what_comes_after_lets_the_previous_release_work() -> None:
    assert list(refusals(list(AFTER.values()), read_whole(THEIR_SQL))) == []


@pytest.mark.parametrize(
    "statement",
    [
        "drop table event",
        "drop index event_newest",
        "alter table event drop column tags",
        "alter table event rename to happening",
        "alter table event_state rename column status to state",
        "alter table event_state alter column status set not null",
        "alter table event_state alter column status type integer using 1",
        "alter table event_state add column owner text not null",
        "alter table event_state add column secret uuid not null default gen_random_uuid()",
        "alter table event_state add column owner text references application",
        "alter table event_state add column owner text, drop column status",
        "alter table event_state add constraint short check (length(status) < 9)",
        "alter table event add column more text",
        "create index event_more on event (tags)",
        "create index concurrently event_more on event (tags)",
        "update event set tags = '{}'",
        "lock table event",
    ],
)
def test_whatever_it_would_stumble_over_or_wait_for_is_refused_with_a_way_out(statement: str) -> None:
    (refusal,) = refusals([f"-- What it does.\n{statement};\n"], read_whole(["select event.* from event"]))

    assert refusal.startswith(statement)
    assert "a release later" in refusal


@pytest.mark.parametrize(
    "text",
    [
        "create table more (name text primary key) with (fillfactor = 50); create index more_name on more (name);",
        "alter table event_state add column more text",
        "alter table outbox add column written timestamptz not null default now()",
    ],
)
def test_what_only_adds_is_let_through(text: str) -> None:
    assert statements(text)
    assert list(refusals([text], read_whole(THEIR_SQL))) == []


@pytest.mark.parametrize("text", ["select id, event.* from event", "select *\n from event where id = $1"])
def test_a_row_that_is_read_as_it_is_is_seen(text: str) -> None:
    assert "event" in read_whole([text])


@pytest.mark.parametrize("name", OUR_SQL)
def test_our_release_names_the_columns_that_it_reads_so_that_the_next_may_add_some(name: str) -> None:
    schema = (ROOT / STORE / "schema.sql").read_text()
    tables = {one.split()[2] for one in statements(schema) if one.startswith("create table")}

    assert read_whole([OUR_SQL[name]]) & tables == set()
