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

from collections.abc import Mapping

from api_service.store import outbox, signing
from api_service.store.database import Connection
from shared.domain.delivery import SigningKeys
from shared.domain.event import Event, timer_of
from shared.messages.catalogue import Upserted
from shared.messages.codec import encode


async def announce(c: Connection, *events: Event) -> None:
    """Publish the events as they were just written, once the transaction is committed. Their shards must be held."""
    applications = list({event.application_id for event in events})
    signed_with = {
        keys.application_id: keys
        for keys in await signing.keys_of(c, applications, min(event.updated_date for event in events))
    }
    await outbox.put_each(c, [(event.shard, event.version, _what(event, signed_with)) for event in events])


def _what(event: Event, signed_with: Mapping[int, SigningKeys]) -> bytes:
    return encode(Upserted(timer_of(event), signed_with.get(event.application_id)))
