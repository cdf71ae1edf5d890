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
KEY_NAME: Final = "api-key"
SIGNS_NAME: Final = "signing-secret"  # what callbacks are signed with, for receivers of one's own
PATIENCE: Final = 10.0  # seconds, for all of it


async def demo_key(folder: Path, *, url: str, registration_token: str) -> str:
    """The demo application's API key: the one in the folder where it still opens the door, else a new one.

    Beside it lies what callbacks are signed with. Raises Unsuitable.
    """
    kept = _kept(folder / KEY_NAME)
    try:
        async with asyncio.timeout(PATIENCE), ClientSession(url) as session:
            if kept and await _opens(session, kept):
                if not _kept(folder / SIGNS_NAME):
                    _keep(folder / SIGNS_NAME, await _rotated(session, kept))
                return kept
            key, secret = await _register(session, registration_token)
    except (TimeoutError, ClientError) as error:
        message = f"the API at {url} does not answer: {str(error) or f'no word in {PATIENCE:g} s'}"
        raise Unsuitable(message) from error
    _keep(folder / KEY_NAME, key)
    _keep(folder / SIGNS_NAME, secret)
    return key


async def _opens(session: ClientSession, key: str) -> bool:
    async with session.get("/v1/events", params={"limit": "1"}, headers={"X-API-Key": key}) as answer:
        return answer.status == HTTPStatus.OK


async def _rotated(session: ClientSession, key: str) -> str:
    """A new signing secret, and the one that nobody has any more signs nothing from now on."""
    headers = {"X-API-Key": key}
    async with session.post("/v1/signing-secret/rotate", json={"overlapSeconds": 0}, headers=headers) as answer:
        said = await answer.json()
    if answer.status != HTTPStatus.OK:
        message = f"cannot get the demo application a signing secret: {'; '.join(said['message'])}"
        raise Unsuitable(message)
    return str(said["data"]["signingSecret"])


async def _register(session: ClientSession, token: str) -> tuple[str, str]:
    """The application's API key, and its signing secret."""
    headers = {"X-Registration-Token": token} if token else {}
    # The name is taken where the file is lost and the database is not.
    for name in (NAME, f"{NAME}-{secrets.token_hex(3)}"):
        async with session.post("/v1/register", json={"appName": name}, headers=headers) as answer:
            said = await answer.json()
            if answer.status == HTTPStatus.CREATED:
                return str(said["data"]["apiKey"]), str(said["data"]["signingSecret"])
    message = f"cannot register the demo application: {'; '.join(said['message'])}"
    raise Unsuitable(message)


def _kept(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _keep(file: Path, key: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as kept:
        kept.write(f"{key}\n")
