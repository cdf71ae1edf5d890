"""What is remembered is what was read of that very version, and the longest unused is forgotten first."""

from __future__ import annotations

from api_service.store.oncall.recent import Recent


def test_only_the_version_that_was_read_is_known() -> None:
    recent = Recent[str](most=2)
    recent.put("one", "1.0", "first")

    assert recent.get("one", "1.0") == "first"
    assert recent.get("one", "1.1") is None
    recent.put("one", "1.1", "second")
    assert (recent.get("one", "1.0"), recent.get("one", "1.1")) == (None, "second")


def test_the_longest_unused_is_forgotten() -> None:
    recent = Recent[str](most=2)
    recent.put("one", "1", "one")
    recent.put("two", "1", "two")
    recent.get("one", "1")
    recent.put("three", "1", "three")

    assert [recent.get(name, "1") for name in ("one", "two", "three")] == ["one", None, "three"]
