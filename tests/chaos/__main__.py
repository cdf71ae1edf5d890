"""`python -m tests.chaos`: CHAOS_SECONDS of load under faults that CHAOS_SEED draws; exits 1 on any violation."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.acceptance.client import now
from tests.chaos.faults import strike
from tests.chaos.run import run, table
from tests.chaos.stage import staged
from tests.servers.postgres import Postgres
from tests.servers.rabbit import provide

EVENTS = 40


async def _main(folder: Path, seed: int, seconds: float) -> bool:
    postgres = Postgres(folder / "postgres")
    postgres.start()
    try:
        rabbit = provide(folder / "rabbit")
        try:
            async with staged(folder, postgres, rabbit, prefix="chaos") as stage:
                over = now() + round(seconds * 1000)
                journal, verdict = await run(
                    stage,
                    lambda journal: strike(stage, journal, Random(seed), over),
                    seed=seed,
                    seconds=seconds,
                    events=EVENTS,
                )
        finally:
            rabbit.close()
    finally:
        postgres.erase()
    print(table(journal, verdict))
    return not verdict.violations


if __name__ == "__main__":
    drawn = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    lasting = float(os.environ.get("CHAOS_SECONDS") or 120)
    print(f"CHAOS_SEED={drawn} CHAOS_SECONDS={lasting:g}", flush=True)
    scratch = Path(tempfile.mkdtemp(prefix="chaos-"))
    scratch.chmod(0o755)  # Postgres may run as another user
    is_well = asyncio.run(_main(scratch, drawn, lasting))
    if is_well:
        shutil.rmtree(scratch, ignore_errors=True)
    else:
        print(f"what the processes said is in {scratch}")
    sys.exit(0 if is_well else 1)
