"""What does a newcomer need to know? One screen, with a line that can be pasted."""

from __future__ import annotations

import json
from typing import Final

from deploy.local.echo import PATH
from shared.timing.instants import Instant, iso

RINGS_FOR_MINUTES: Final = 30


def greeting(*, url: str, key: str, key_file: str, servers: str, now: Instant) -> str:
    """Where everything is, and the command that makes it ring."""
    event = {
        "eventOwner": "you@example.com",
        "interval": "* * * * * *",
        "endDate": iso(now + RINGS_FOR_MINUTES * 60_000),
        "callbackUrl": f"{url}{PATH}",
        "context": {"hello": "world"},
    }
    headers = f"-H 'X-API-Key: {key}' -H 'Content-Type: application/json'"
    return f"""
Carillon is up at {url}

  API key  {key}  (application demo, kept in {key_file})
  docs     {url}/docs
  echo     {url}{PATH}  shows what arrived, newest first
  servers  {servers}
  calls    public addresses, this machine, and what EGRESS_ALLOW lists

Paste this into another terminal. It rings here every second, and ends after {RINGS_FOR_MINUTES} minutes:

  curl -sS -X POST {url}/v1/events {headers} -d '{json.dumps(event)}'

Ctrl-C stops everything. What you created stays, and rings again with the next make run.
"""
