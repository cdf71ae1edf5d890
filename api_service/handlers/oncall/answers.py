"""What an answer of /api/v4 looks like: an object as it is, and a list with how much more there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.etags import etag
from api_service.wanted import ListWanted


def answer(shown: Any, *, status: int = 200) -> web.Response:
    """An answer that shows this."""
    return said(write_json(shown), status=status)


def answer_object(shown: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """An answer that shows an object as a read of it would, and so has the tag that the read would have."""
    return said_object(write_json(shown), status=status)


def answer_list(shown: Sequence[Any], *, total: int, wanted: ListWanted) -> web.Response:
    """An answer with a part of a list."""
    has_more = wanted.offset + len(shown) < total
    return answer({"data": shown, "has_more": has_more, "total_count": total})


def said_object(text: str, *, status: int = 200) -> web.Response:
    """The same as `answer_object`, of an object that has been put into words."""
    response = said(text, status=status)
    response.headers["ETag"] = etag(text.encode())
    return response


def said(text: str, *, status: int = 200) -> web.Response:
    """JSON text as an answer; the client may keep it, and asks whether it still holds."""
    return web.Response(
        text=text, status=status, content_type="application/json", headers={"Cache-Control": "private, no-cache"}
    )


def gone() -> web.Response:
    """The answer to a deletion."""
    return web.Response(status=204)
