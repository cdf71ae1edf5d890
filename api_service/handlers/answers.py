"""What an answer looks like: an envelope with data, and with meta where it is a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from api_service.schemas.headers import etag
from api_service.schemas.json_text import write_json


def envelope(data: Any) -> str:
    """The text of an answer about one thing."""
    return write_json({"data": data})


def answer(data: Any, *, status: int = 200) -> web.Response:
    """An answer about one thing."""
    return written(envelope(data), status=status)


def answer_list(data: Sequence[Any], *, total: int) -> web.Response:
    """An answer with a page of a list; `total` is how many there are in all."""
    return written(write_json({"data": data, "meta": {"total": total}}))


def answer_page(data: Sequence[Any], *, total: int | None = None, following: str | None) -> web.Response:
    """The same for a list that is read by cursor: `following` is where the next page begins, None where none is.

    Without a `total` the list is not counted.
    """
    counted = {} if total is None else {"total": total}
    return written(write_json({"data": data, "meta": {**counted, "next": following}}))


def answer_event(shown: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """An answer about one event, and which version of it this is."""
    response = answer(shown, status=status)
    response.headers["ETag"] = etag(shown["version"])
    return response


_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}


def written(text: str, *, status: int = 200) -> web.Response:
    """JSON text as an answer; answers hold what only the key's holder may see, so nobody keeps them."""
    return web.Response(body=text.encode(), status=status, headers=_HEADERS)
