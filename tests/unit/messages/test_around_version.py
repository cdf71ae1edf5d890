"""A timer that is encoded before its version is known becomes, with it, what it would have become at once."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.delivery import SigningKeys, SigningSecret
from shared.messages.catalogue import Upserted
from shared.messages.codec import encode, encode_around_version, encode_upserted
from tests.unit.messages.examples import TIMER

KEYS = SigningKeys(application_id=3, generation=2, secrets=(SigningSecret(b"s" * 32),))
VERSIONS = st.integers(min_value=0, max_value=2**63 - 1)


@given(
    timer_id=st.text(max_size=300),
    beforehand=VERSIONS,
    version=VERSIONS,
    body=st.binary(max_size=70_000),
    keys=st.sampled_from([None, KEYS]),
)
def test_to_the_byte(timer_id: str, beforehand: int, version: int, body: bytes, keys: SigningKeys | None) -> None:
    timer = msgspec.structs.replace(TIMER, id=timer_id, body=body)
    words = encode_around_version(msgspec.structs.replace(timer, version=beforehand))

    whole = encode(Upserted(msgspec.structs.replace(timer, version=version), keys))
    assert encode_upserted(words, version, keys) == whole
