"""What are callbacks signed with? A secret as Standard Webhooks write it, and the bytes that it is."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Final

SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


def secret_text(secret: bytes) -> str:
    """The secret as it is shown."""
    return _PREFIX + b64encode(secret).decode()


def secret_bytes(text: str) -> bytes:
    """The secret that is shown like this; raises ValueError, which does not say what was shown."""
    if not text.startswith(_PREFIX):
        message = f"a signing secret begins with {_PREFIX}"
        raise ValueError(message)
    return b64decode(text.removeprefix(_PREFIX), validate=True)
