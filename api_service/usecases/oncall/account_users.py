"""What is wished of account users: that there are some, that they change, that they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.account_users import show_account_user
from api_service.schemas.oncall.changes import account_user_differences
from api_service.schemas.oncall.etags import Tags, check
from api_service.store.database import Connection
from api_service.store.oncall import account_users, application
from api_service.usecases.creating import Once
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.oncall.arming import rearm
from api_service.usecases.oncall.once import Made, made_once
from api_service.wanted import ListWanted
from shared.domain.changelog import Action
from shared.domain.errors import AccountUserAttends
from shared.domain.ids import prefix_id, ulid
from shared.domain.schedule import ACCOUNT_USER_PREFIX, AccountUser

_NAMED: Final = 3


async def create(means: Means, wanted: Mapping[str, Any], *, once: Once | None) -> str:
    """The words that answer whoever wants this account user. Raises KeyReused."""

    async def make(c: Connection) -> Made:
        user = AccountUser(
            account_user_id=ulid(means.now, means.entropy(10)),
            prefix_id=prefix_id(ACCOUNT_USER_PREFIX, means.entropy(12)),
            tiny_id=await application.next_tiny_id(c, means.application_id, "account_user"),
            created_at=means.now,
            updated_at=means.now,
            **wanted,
        )
        await account_users.insert(c, means.application_id, user)
        await note(c, means, Action.ACCOUNT_USER_CREATED, object_id=user.account_user_id)
        return Made(made_id=user.account_user_id, answer=write_json(show_account_user(user)))

    return await made_once(means, once, make)


async def get(means: Means, name: str) -> AccountUser:
    """The account user of this id. Raises AccountUserNotFound."""
    async with means.database.connection() as c:
        return await account_users.get(c, means.application_id, name)


async def find(means: Means, wanted: ListWanted) -> tuple[list[AccountUser], int]:
    """The account users that are wanted, and how many match in all."""
    async with means.database.moment() as c:
        return await account_users.page(c, means.application_id, wanted)


async def change(means: Means, name: str, changes: Mapping[str, Any], *, expected: Tags) -> AccountUser:
    """The account user with these changes. Raises AccountUserNotFound, ObjectHasChanged."""
    async with means.database.transaction() as c:
        before = await _held(c, means, name, expected)
        after = replace(before, **changes)
        if write_json(show_account_user(after)) == write_json(show_account_user(before)):
            return before
        after = replace(after, updated_at=means.now)
        await account_users.update(c, means.application_id, after)
        told = account_user_differences(before, after)
        await note(c, means, Action.ACCOUNT_USER_CHANGED, object_id=after.account_user_id, fields=told)
        if after.name != before.name:  # by which subscribers know who comes and goes
            await rearm(c, means, await account_users.scheduled(c, after.account_user_id))
    means.wake_relay()
    return after


async def delete(means: Means, name: str, *, expected: Tags) -> None:
    """The account user goes. Raises AccountUserNotFound, ObjectHasChanged, AccountUserAttends."""
    async with means.database.transaction() as c:
        user = await _held(c, means, name, expected)
        attended, count = await account_users.attended(c, user.account_user_id, _NAMED)
        if attended:
            raise AccountUserAttends(attended, count)
        await account_users.delete(c, means.application_id, user.account_user_id)
        await note(c, means, Action.ACCOUNT_USER_DELETED, object_id=user.account_user_id)


async def _held(c: Connection, means: Means, name: str, expected: Tags) -> AccountUser:
    await application.held(c, means.application_id)
    user = await account_users.get(c, means.application_id, name)
    check(expected, show_account_user(user))
    return user
