"""The signature by which a receiver knows that a callback is ours and unchanged: Standard Webhooks, version 1."""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Sequence


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature a secret, so that a receiver may know any of them."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return " ".join("v1," + binascii.b2a_base64(digest, newline=False).decode() for digest in digests)
