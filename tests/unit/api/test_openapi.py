"""The document and the page: valid, complete, and about the very routes there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from api_service.docs.oncall.operations import ONCALL_OPERATIONS
from api_service.docs.operations import OPERATIONS
from api_service.docs.page import ASSETS, page
from api_service.handlers.routes import add_routes
from api_service.openapi.document import document
from api_service.schemas.batch import read_new_events
from api_service.schemas.bulk import read_bulk
from api_service.schemas.events import read_changes, read_new_event
from api_service.schemas.keys import read_rotation
from api_service.schemas.previews import read_preview
from api_service.schemas.signing import read_signing_rotation
from shared.domain.egress import STRICT

DOCUMENT = document()
NOW = 1_900_000_000_000
PLACE = re.compile(r"{.*?}")
ASSET = "/docs/{name}"  # what the page is dressed in, and no part of the API


def _camel(place: re.Match[str]) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), place[0])


def _routes() -> set[tuple[str, str]]:
    app = web.Application()
    add_routes(app)
    return {
        (route.method.lower(), PLACE.sub(_camel, route.resource.canonical))
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD" and route.resource.canonical != ASSET
    }


def test_the_document_is_valid() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_every_route_is_described_and_every_description_routed() -> None:
    described = {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}

    assert described == _routes()


def test_operations_are_named_once() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]

    assert len(names) == len(set(names)) > len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)):
        found: Any = DOCUMENT
        for step in reference.split("/"):
            found = found[step]
        assert found


@pytest.mark.parametrize(
    "operation",
    [*(each for each in OPERATIONS if each.needs_key), *(each for each in ONCALL_OPERATIONS if each.needs_key)],
    ids=lambda o: o.name,
)
def test_what_needs_a_key_says_so(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method]

    assert "security" not in described  # so the document's own holds
    assert {"400", "401", "503"} <= described["responses"].keys()
    assert DOCUMENT["security"] == [{"apiKey": []}, {"bearer": []}]


def test_bounds_and_kinds_are_those_of_the_schemas() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    new = schemas["EventCreation"]["properties"]

    assert sorted(schemas["EventCreation"]["required"]) == ["callbackUrl", "endDate", "eventOwner", "interval"]
    assert (new["callbackUrl"]["format"], new["callbackUrl"]["maxLength"]) == ("iri", 2048)
    assert new["eventOwner"]["format"] == "idn-email"
    for name in ("callbackUrl", "eventOwner"):  # what is accepted is also what is shown
        assert schemas["Event"]["properties"][name]["format"] == new[name]["format"]
    assert (new["endDate"]["type"], new["endDate"]["format"]) == ("string", "date-time")
    assert new["startDate"]["type"] == ["string", "null"]
    assert (new["tags"]["maxItems"], new["tags"]["items"]["maxLength"]) == (32, 128)
    batch = schemas["EventBatch"]["properties"]["events"]
    assert (batch["minItems"], batch["maxItems"], schemas["EventBatch"]["required"]) == (1, 1000, ["events"])
    assert batch["items"] == {"$ref": "#/components/schemas/EventCreation"}
    assert schemas["ExecutionsPage"]["properties"]["limit"]["maximum"] == 1000
    assert schemas["Event"]["properties"]["status"]["enum"] == ["INACTIVE", "ACTIVE", "PAUSED", "FINISHED"]
    assert list(schemas["Error"]["properties"]) == ["statusCode", "message", "error", "timestamp"]


def test_every_example_of_a_body_is_accepted() -> None:
    readers: dict[str, Callable[[Any, int], Any]] = {
        "EventCreation": read_new_event,
        "EventChange": read_changes,
        "EventBatch": lambda sent, now: list(read_new_events(sent, now, STRICT)),
        "PreviewRequest": read_preview,
        "Rotation": lambda sent, _: read_rotation(sent),
        "BulkRequest": lambda sent, _: read_bulk(sent),
        "SigningRotation": lambda sent, _: read_signing_rotation(sent),
    }
    for operation in OPERATIONS:
        if operation.body in readers:
            readers[operation.body](operation.example, NOW)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.loaded += [given["href"]] if tag == "link" else [given["src"]] if "src" in given else []


def test_the_page_shows_every_operation_and_loads_only_what_is_ours() -> None:
    text = page(DOCUMENT)
    shown = _Page()
    shown.feed(text)

    operations: tuple[Any, ...] = (*OPERATIONS, *ONCALL_OPERATIONS)
    assert {operation.name for operation in operations} <= set(shown.ids)
    assert all(f"<code>{operation.path}</code>" in text for operation in operations)
    assert len(shown.ids) == len(set(shown.ids))
    assert {link[1:] for link in shown.links if link.startswith("#")} <= set(shown.ids)
    assert not [link for link in (*shown.links, *shown.loaded) if "//" in link]
    assert {loaded.removeprefix("/docs/") for loaded in shown.loaded} == ASSETS.keys()
    assert "url(" not in ASSETS["style.css"][0]
