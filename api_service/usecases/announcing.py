"""Tell the owner of a shard what an event is from now on, and what its application signs with.

Can a change that races with a rotation leave a dispatcher with older keys? Whoever writes to a shard holds it until
the commit, and a rotation writes to every shard; so on each shard one of the two comes first.

* The change is first: its keys are the older generation, and the rotation's version is above its own. Whatever order
  the two arrive in, the dispatcher keeps the higher generation.
* The rotation is first: the change got the shard after the rotation's commit, and the keys are read by a statement
  that begins after that. So they are the new ones.

If one of the messages is lost, its version is missing, and the snapshot that heals the gap reads keys and horizon at
one moment: where the horizon has passed the rotation, the keys are the rotation's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from api_service.store import outbox, signing
from api_service.store.database import Connection
from shared.domain.delivery import SigningKeys
from shared.domain.event import Event, timer_of
from shared.messages.catalogue import Upserted
from shared.messages.codec import TimerWords, encode, encode_upserted
from shared.timing.instants import Instant


async def announce(c: Connection, event: Event) -> None:
    """Publish the event as it was just written, once the transaction is committed. Its shard must be held."""
    signed_with = await keys_for(c, [event.application_id], event.updated_date)
    keys = signed_with.get(event.application_id)
    await outbox.put(c, shard=event.shard, version=event.version, what=encode(Upserted(timer_of(event), keys)))


async def keys_for(c: Connection, applications: Collection[int], now: Instant) -> Mapping[int, SigningKeys]:
    """What is announced with events of these applications. All their shards must be held."""
    return {keys.application_id: keys for keys in await signing.keys_of(c, list(applications), now)}


async def announce_new(
    c: Connection, new: Iterable[tuple[Event, int, TimerWords]], signed_with: Mapping[int, SigningKeys]
) -> None:
    """Publish new events, each with its version and its timer in words, once the transaction is committed."""
    told = [
        (event.shard, version, encode_upserted(timer, version, signed_with.get(event.application_id)))
        for event, version, timer in new
    ]
    await outbox.put_each(c, told)
