"""Every error becomes one shape, here and nowhere else, that of its API; every request is counted, and has its line."""

from __future__ import annotations

import asyncio
from functools import cache

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from prometheus_client import Counter, Gauge, Histogram

from api_service.keys import CLOCK, ENTROPY, REQUEST_ID
from api_service.schemas.errors import show_error
from api_service.schemas.headers import read_request_id
from api_service.schemas.json_text import write_json
from api_service.schemas.oncall.errors import show_errors
from api_service.schemas.oncall.etags import etag, is_known
from shared.domain import errors
from shared.domain.ids import is_name, ulid
from shared.observability.logs import get_logger, in_context
from shared.observability.tracebacks import said_of
from shared.timing.instants import Instant

REQUESTS = Counter("carillon_http_requests", "Requests, by what was asked and answered.", ["method", "route", "status"])
UNDER_WAY = Gauge("carillon_http_requests_under_way", "Requests that are not yet answered.")
SECONDS = Histogram("carillon_http_request_seconds", "How long an answer took.", ["method", "route"])

_STATUS: dict[type[errors.DomainError], int] = {
    errors.Unprocessable: 422,
    errors.InvalidInput: 400,
    errors.NotAuthenticated: 401,
    errors.RegistrationClosed: 401,
    errors.EventNotFound: 404,
    errors.AccountUserNotFound: 404,
    errors.ScheduleNotFound: 404,
    errors.OnCallEventNotFound: 404,
    errors.SubscriptionNotFound: 404,
    errors.AccountUserAttends: 409,
    errors.ExecutionNotFound: 404,
    errors.KeyNotFound: 404,
    errors.FeedTokenNotFound: 404,
    errors.TooManyFeedTokens: 409,
    errors.LastKey: 409,
    errors.TooManyKeys: 409,
    errors.TooManySecrets: 409,
    errors.EventIsFinished: 409,
    errors.EventIsPaused: 409,
    errors.EventIsSubscription: 409,
    errors.ExecutionIsDelivered: 409,
    errors.ExecutionIsUnderWay: 409,
    errors.ExecutionIsStretch: 409,
    errors.ExecutionIsWornOut: 409,
    errors.NameTaken: 409,
    errors.EventHasChanged: 412,
    errors.ObjectHasChanged: 412,
    errors.OccurrenceIsOverridden: 409,
    errors.OccurrenceTaken: 409,
    errors.NotAnOverride: 422,
    errors.WindowTooFull: 422,
    errors.KeyReused: 422,
    errors.QuotaExceeded: 403,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer, ApiKey"},
    503: {"Retry-After": "1"},
}
_SAID = {
    404: "there is nothing at this path; /docs describes what there is",
    500: "something went wrong on our side; it is logged and it is not your request",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# What a path names, by its place in the route, and how the log calls it; an execution is called by its `webhook-id`.
_NAMED = {
    "event_id": "event_id",
    "execution_id": "firing",
    "key_id": "key_id",
    "token_id": "token_id",
    "id": "object_id",
    "sid": "subscription_id",
}
_FAULT: web.RequestKey[BaseException] = web.RequestKey("fault", BaseException)  # whose fault a 5xx is
_ONCALL = "/api/v4"  # where errors have a shape of their own, and every read has a tag

log = get_logger(__name__)


@web.middleware
async def name_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Call the request what its client calls it, or anything, and say so in the answer: logs have that name."""
    name = read_request_id(request.headers.getall("X-Request-Id", []))
    request[REQUEST_ID] = name or ulid(request.app[CLOCK].now(), request.app[ENTROPY](10))
    with in_context(request=request[REQUEST_ID]):
        response = await handler(request)
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    return response


@web.middleware
async def count_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request and its time by method, route and status, and log it once it is answered."""
    clock = request.app[CLOCK]
    begun = clock.steady()
    # Names that a client can make up would be series without end.
    method = request.method if request.method in _METHODS else "other"
    resource = request.match_info.route.resource
    route = "none" if resource is None else resource.canonical
    UNDER_WAY.inc()
    try:
        response = await handler(request)
    except asyncio.CancelledError:  # the service ends, and the request has had its time
        log.warning("http.cut_off", method=method, route=route, **_named(request))
        raise
    finally:
        UNDER_WAY.dec()

    seconds = clock.steady() - begun
    _requests(method, route, response.status).inc()
    _seconds(method, route).observe(seconds)
    _tell(request, response, method=method, route=route, seconds=seconds)
    return response


@web.middleware
async def shape_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every refusal in one shape; what nobody foresaw is logged and answered without details."""
    now = request.app[CLOCK].now()
    try:
        return await handler(request)
    except errors.DomainError as error:
        response = _refused(error, request.path, now)
        if response.status >= 500:
            request[_FAULT] = error.__cause__ or error
        return response
    except web.HTTPException as error:
        return _shaped(error, request, now)
    except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError):
        return error_response(400, ["the body broke off or is not framed as its headers say"], now, path=request.path)
    except Exception as error:  # noqa: BLE001 - it is logged with the request
        request[_FAULT] = error
        return error_response(500, [_SAID[500]], now, path=request.path)


@web.middleware
async def tag_reads(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say which version of its text an answer of /api/v4 is, and no more than that to a client that has it."""
    response = await handler(request)
    read = request.method in {"GET", "HEAD"} and _is_oncall(request.path)
    if not read or response.status != 200 or not isinstance(response, web.Response):
        return response
    if isinstance(response.body, bytes):
        response.headers.setdefault("ETag", etag(response.body))
    if not is_known(request.headers.getall("If-None-Match", []), response.headers.get("ETag", "")):
        return response
    kept = {name: response.headers[name] for name in ("ETag", "Cache-Control") if name in response.headers}
    return web.Response(status=304, headers=kept)


MIDDLEWARES = (name_requests, count_requests, shape_errors, tag_reads)


def error_response(status: int, message: list[str], now: Instant, *, path: str = "") -> web.Response:
    """The one shape, as the API that this path belongs to has it."""
    text = write_json(show_errors(status, message) if _is_oncall(path) else show_error(status, message, now))
    return web.Response(
        body=text.encode("utf-8", "backslashreplace"),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store"} | _HEADERS.get(status, {}),
    )


@cache
def _requests(method: str, route: str, status: int) -> Counter:
    """The count of its kind; to find it by its labels costs more than to count."""
    return REQUESTS.labels(method, route, status)


@cache
def _seconds(method: str, route: str) -> Histogram:
    return SECONDS.labels(method, route)


def _is_oncall(path: str) -> bool:
    return path == _ONCALL or path.startswith(f"{_ONCALL}/")


def _tell(request: web.Request, response: web.StreamResponse, *, method: str, route: str, seconds: float) -> None:
    """The request's one line. What a client makes up is not in it: of a path, its route and what it names."""
    tell = log.error if response.status >= 500 else log.info
    if route in _PROBES:
        tell = log.debug
    fault = request.get(_FAULT)
    body = response.body if isinstance(response, web.Response) else None
    facts: dict[str, object] = {
        "method": method,
        "route": route,
        "status": response.status,
        "duration_ms": round(seconds * 1000, 1),
        "bytes": len(body) if isinstance(body, bytes) else 0,
        "remote": request.remote,
    } | _named(request)
    if fault is not None:
        facts["error"] = said_of(fault)
        if response.status == 500:
            facts["exc_info"] = fault
    tell("http.answered", **facts)


def _named(request: web.Request) -> dict[str, str]:
    named = request.match_info.items()
    return {_NAMED[place]: name for place, name in named if place in _NAMED and is_name(name)}


def _refused(error: errors.DomainError, path: str, now: Instant) -> web.Response:
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 400)
    message = list(error.problems) if isinstance(error, errors.InvalidInput) else [str(error)]
    response = error_response(status, message, now, path=path)
    if isinstance(error, errors.TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _shaped(error: web.HTTPException, request: web.Request, now: Instant) -> web.Response:
    """What aiohttp refuses, in our shape. Its own texts are the bare status; ours say more."""
    text = error.text or ""
    if isinstance(error, web.HTTPMethodNotAllowed):
        text = f"{request.method} is not allowed here; allowed are {', '.join(sorted(error.allowed_methods))}"
    elif error.status in _SAID:
        text = _SAID[error.status]
    response = error_response(error.status, [text], now, path=request.path)
    for name in ("Allow", "Location"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response
