"""How an event's delivery is kept: its fields in order as a JSON array, and nothing where it is the default."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from shared.domain.delivery import DEFAULT, Delivery

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Delivery)


def text_of(delivery: Delivery) -> str | None:
    """What is written."""
    return None if delivery == DEFAULT else _ENCODER.encode(delivery).decode()


def delivery_of(text: str | None) -> Delivery:
    """What was meant."""
    return DEFAULT if text is None else _read(text)


@lru_cache(maxsize=4_096)  # a shard's snapshot reads it for every timer, and nearly all share a few
def _read(text: str) -> Delivery:
    return _DECODER.decode(text)
