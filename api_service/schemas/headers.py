"""What headers say, as far as it is more than a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from api_service import limits
from shared.domain.errors import InvalidInput

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{limits.IDEMPOTENCY_KEY_LENGTH}}}")


def read_idempotency_key(values: Sequence[str]) -> str | None:
    """The key under which a creation is done once; raises InvalidInput where it is none, or several."""
    if not values:
        return None
    if len(values) > 1 or _VISIBLE.fullmatch(values[0]) is None:
        raise InvalidInput([
            f"Idempotency-Key should be one header of 1 to {limits.IDEMPOTENCY_KEY_LENGTH} visible ASCII characters"
        ])
    return values[0]
