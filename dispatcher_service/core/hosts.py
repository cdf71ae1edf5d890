"""Who is called at a URL? Firings of one host share a lane, a rate and a breaker."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=16_384)
def host_of(url: str) -> str:
    """The lane of a URL: scheme, host and port, and nobody's password; what is no URL has a lane of its own kind."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
