"""Who tries it? An application of one's own, registered at the first start as any client would register."""

from __future__ import annotations

import asyncio
import os
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession

from deploy.local.surroundings import Unsuitable

NAME: Final = "demo"
PATIENCE: Final = 10.0  # seconds, for all of it


async def demo_key(file: Path, *, url: str, registration_token: str) -> str:
    """The demo application's API key: the one in the file where it still opens the door, else a new one."""
    kept = _kept(file)
    try:
        async with asyncio.timeout(PATIENCE), ClientSession(url) as session:
            if kept and await _opens(session, kept):
                return kept
            key = await _register(session, registration_token)
    except (TimeoutError, ClientError) as error:
        message = f"the API at {url} does not answer: {str(error) or f'no word in {PATIENCE:g} s'}"
        raise Unsuitable(message) from error
    _keep(file, key)
    return key


async def _opens(session: ClientSession, key: str) -> bool:
    async with session.get("/v1/events", params={"limit": "1"}, headers={"X-API-Key": key}) as answer:
        return answer.status == HTTPStatus.OK


async def _register(session: ClientSession, token: str) -> str:
    headers = {"X-Registration-Token": token} if token else {}
    # The name is taken where the file is lost and the database is not.
    for name in (NAME, f"{NAME}-{secrets.token_hex(3)}"):
        async with session.post("/v1/register", json={"appName": name}, headers=headers) as answer:
            said = await answer.json()
            if answer.status == HTTPStatus.CREATED:
                return str(said["data"]["apiKey"])
    message = f"cannot register the demo application: {'; '.join(said['message'])}"
    raise Unsuitable(message)


def _kept(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _keep(file: Path, key: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as kept:
        kept.write(f"{key}\n")
