"""Which handler answers at which path. Paths of events answer in both of the specification's spellings."""

from __future__ import annotations

from aiohttp import web

from api_service.handlers import (
    applications,
    audits,
    batch,
    bulk,
    changes,
    documents,
    events,
    executions,
    keys,
    operations,
    previews,
    signing,
)
from api_service.handlers.oncall.routes import OF_ONCALL
from api_service.handlers.requests import Handler, Routes, for_application

OPEN: Routes = (
    ("POST", "/v1/register", applications.register_application),
    ("GET", "/openapi.json", documents.openapi),
    ("GET", "/docs", documents.docs),
    ("GET", "/docs/{name}", documents.asset),
    ("GET", "/healthz", operations.healthz),
    ("GET", "/readyz", operations.readyz),
    ("GET", "/metrics", operations.metrics),
)
KEYED: Routes = (
    ("POST", "/v1/preview", for_application(previews.preview_interval)),
    ("GET", "/v1/keys", for_application(keys.list_keys)),
    ("POST", "/v1/keys", for_application(keys.rotate_key)),
    ("DELETE", "/v1/keys/{key_id}", for_application(keys.revoke_key)),
    ("POST", "/v1/bulk/pause", for_application(bulk.pause_events)),
    ("POST", "/v1/bulk/resume", for_application(bulk.resume_events)),
    ("POST", "/v1/bulk/delete", for_application(bulk.delete_events)),
    ("GET", "/v1/changes", for_application(changes.list_changes)),
    ("GET", "/v1/signing-secret", for_application(signing.get_signing_secret)),
    ("POST", "/v1/signing-secret/rotate", for_application(signing.rotate_signing_secret)),
)
OF_EVENTS: Routes = (
    ("POST", "", for_application(events.create_event)),
    ("GET", "", for_application(events.list_events)),
    ("POST", "/batch", for_application(batch.create_events)),
    ("GET", "/{event_id}", for_application(events.get_event)),
    ("PATCH", "/{event_id}", for_application(events.change_event)),
    ("DELETE", "/{event_id}", for_application(events.delete_event)),
    ("POST", "/{event_id}/pause", for_application(events.pause_event)),
    ("POST", "/{event_id}/resume", for_application(events.resume_event)),
    ("POST", "/{event_id}/trigger", for_application(executions.trigger_event)),
    ("GET", "/{event_id}/executions", for_application(executions.list_executions)),
    ("POST", "/{event_id}/executions/replay", for_application(executions.replay_executions)),
    ("GET", "/{event_id}/executions/{execution_id}", for_application(executions.get_execution)),
    ("POST", "/{event_id}/executions/{execution_id}/replay", for_application(executions.replay_execution)),
    ("GET", "/{event_id}/audit", for_application(audits.audit_event)),
)
SPELLINGS = ("/v1/events", "/v1/event")


def add_routes(app: web.Application) -> None:
    """Let the application answer at every path there is."""
    for method, path, handler in (*OPEN, *KEYED, *OF_ONCALL):
        _add(app, method, path, handler)
    for spelling in SPELLINGS:
        for method, path, handler in OF_EVENTS:
            _add(app, method, spelling + path, handler)


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    if method == "GET":
        app.router.add_get(path, handler)  # and HEAD
    else:
        app.router.add_route(method, path, handler)
