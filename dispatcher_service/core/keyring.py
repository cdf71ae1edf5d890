"""What is signed with? The newest secrets of each application, whatever order they are told in."""

from __future__ import annotations

from shared.domain.delivery import SigningKeys
from shared.timing.instants import Instant


class Keyring:
    """Signing secrets by application, for all shards of a dispatcher; they are shown to nobody."""

    def __init__(self) -> None:
        self._keys: dict[int, SigningKeys] = {}

    def learn(self, keys: SigningKeys | None) -> None:
        """Keep these, unless newer ones are known."""
        if keys is None:
            return
        known = self._keys.get(keys.application_id)
        if known is None or known.generation < keys.generation:
            self._keys[keys.application_id] = keys

    def secrets(self, application_id: int, now: Instant) -> list[bytes]:
        """The secrets that sign at this moment, newest first; none where the application has none."""
        keys = self._keys.get(application_id)
        if keys is None:
            return []
        return [one.secret for one in keys.secrets if one.until == 0 or now < one.until]
