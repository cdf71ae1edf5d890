"""The OpenAPI document as one page for people, which reads without scripts and without the internet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]

_FOLDER = Path(__file__).parent
ASSETS = {
    "style.css": ((_FOLDER / "style.css").read_text(encoding="utf-8"), "text/css"),
    "script.js": ((_FOLDER / "script.js").read_text(encoding="utf-8"), "text/javascript"),
}
_PAGE = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))
_PLACE = re.compile(r"{(\w*?)_?[Ii]d}")
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def page(document: Document) -> str:
    """The page."""
    operations = list(_operations(document))
    return _PAGE.substitute(
        title=escape(document["info"]["title"]),
        version=escape(document["info"]["version"]),
        about=_prose(document["info"]["description"]),
        navigation="\n".join(_navigation(document, operations)),
        operations="\n".join(_section(document, tag["name"], operations) for tag in document["tags"]),
        service="\n".join(_service(document)),
        errors="\n".join(_errors(document)),
        schemas="\n".join(_schema(document, name) for name in document["components"]["schemas"]),
    )


def _operations(document: Document) -> Iterator[Document]:
    """The operations proper, each with its path and method; other spellings of a path are told in words."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "x-same-as" not in operation:
                yield {"path": path, "method": method, **operation}


def _navigation(document: Document, operations: Iterable[Document]) -> Iterator[str]:
    for tag in document["tags"]:
        links = "".join(
            f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'
            for operation in operations
            if tag["name"] in operation["tags"]
        )
        yield f"<li><span>{escape(tag['name'])}</span><ul>{links}</ul></li>"


def _section(document: Document, tag: str, operations: Iterable[Document]) -> str:
    cards = "\n".join(_card(document, operation) for operation in operations if tag in operation["tags"])
    name = f"tag-{tag.replace(' ', '-')}"
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(tag)}</h2>\n{cards}</section>'


def _card(document: Document, operation: Document) -> str:
    name, method, path = operation["operationId"], operation["method"].upper(), operation["path"]
    parts = [
        f'<article class="card" id="{name}"><h3><a href="#{name}">{escape(operation["summary"])}</a></h3>',
        f'<p class="call"><b class="method {method.lower()}">{method}</b> <code>{escape(path)}</code></p>',
        _prose(operation["description"]),
        _parameters(document, operation["parameters"]),
        _request(document, operation),
        _responses(document, operation["responses"]),
        _curl(operation),
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _parameters(document: Document, parameters: Iterable[Document]) -> str:
    rows = []
    for parameter in parameters:
        schema = _resolved(document, parameter["schema"])
        said = parameter.get("description") or schema.get("description", "")
        kind = f"{escape(parameter['in'])} · {_type(parameter['schema'], document)}"
        rows.append(_row(parameter["name"], kind, said, required=parameter.get("required", False)))
    return _table("Parameters", rows)


def _request(document: Document, operation: Document) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return _table("Body", _properties(document, _resolved(document, schema)))


def _responses(document: Document, responses: Document) -> str:
    items = []
    for status, response in responses.items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        data = schema.get("properties", {}).get("data", schema)
        said = _resolved(document, response)["description"]
        what = _type(data, document) if {"$ref", "items"} & data.keys() else escape(said)
        items.append(f'<li><b class="status s{status[0]}">{status}</b> {what}</li>')
    return f'<h4>Answers</h4><ul class="answers">{"".join(items)}</ul>'


def _curl(operation: Document) -> str:
    path = _PLACE.sub(lambda place: f"${place[1].upper()}_ID".replace("$_", "$"), operation["path"])
    lines = [f'curl -X {operation["method"].upper()} "$CARILLON{path}"']
    if operation.get("security") != []:
        lines.append('-H "X-API-Key: $API_KEY"')
    if "requestBody" in operation:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example)}'"]
    text = escape(" \\\n  ".join(lines))
    return f'<h4>Try it</h4><div class="example"><pre tabindex="0"><code>{text}</code></pre></div>'


def _service(document: Document) -> Iterator[str]:
    for path, methods in document["paths"].items():
        operation = methods.get("get", {})
        if "Service" in operation.get("tags", ()):
            name = operation["operationId"]
            yield f'<li id="{name}"><a href="{path}"><code>{path}</code></a> {escape(operation["summary"])}</li>'


def _errors(document: Document) -> Iterator[str]:
    for response in document["components"]["responses"].values():
        example = response["content"]["application/json"]["example"]
        status = HTTPStatus(example["statusCode"] if "statusCode" in example else example["code"])
        title = f"{status.value} {status.phrase}"
        text = escape(json.dumps(example, indent=2, ensure_ascii=False))
        yield (
            f"<details><summary>{escape(title)} <span>{escape(response['description'])}</span></summary>"
            f'<div class="example"><pre tabindex="0"><code>{text}</code></pre></div></details>'
        )


def _schema(document: Document, name: str) -> str:
    rows = _properties(document, document["components"]["schemas"][name])
    heading = f'<h3><a href="#schema-{name}">{name}</a></h3>'
    return f'<article class="card" id="schema-{name}">{heading}{_table("", rows)}</article>'


def _properties(document: Document, schema: Document) -> list[str]:
    required = schema.get("required", ())
    return [
        _row(name, _type(said, document), said.get("description", ""), required=name in required)
        for name, said in schema.get("properties", {}).items()
    ]


def _table(title: str, rows: Iterable[str]) -> str:
    body = "".join(rows)
    head = f"<h4>{title}</h4>" if title else ""
    return f'{head}<dl class="fields">{body}</dl>' if body else ""


def _row(name: str, kind: str, said: str, *, required: bool) -> str:
    mark = ' <span class="required">required</span>' if required else ""
    return f"<div><dt><code>{escape(name)}</code> <span>{kind}</span>{mark}</dt><dd>{_inline(said)}</dd></div>"


def _type(schema: Document, document: Document) -> str:
    """What kind of value it is, in a few words and with its bounds."""
    reference = schema.get("$ref", "")
    if "/properties/" in reference:
        return _type(_resolved(document, schema), document)
    if reference:
        name = reference.rpartition("/")[2]
        return f'<a href="#schema-{name}">{name}</a>'
    if "items" in schema:
        return f"array of {_type(schema['items'], document)}{_bounds(schema, 'Items')}"
    kinds = schema.get("type", "value")
    words = escape(" or ".join(kinds) if isinstance(kinds, list) else kinds)
    if "enum" in schema:
        words = " | ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    return words + (f", {escape(schema['format'])}" if "format" in schema else "") + _bounds(schema, "Length")


def _bounds(schema: Document, noun: str) -> str:
    low = schema.get(f"min{noun}", schema.get("minimum"))
    high = schema.get(f"max{noun}", schema.get("maximum"))
    if high is None:
        return ""
    return f", {low}–{high}" if low is not None else f", up to {high}"


def _resolved(document: Document, schema: Document) -> Document:
    found: Any = schema
    while "$ref" in found:
        reference, found = found["$ref"], document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    resolved: Document = found
    return resolved


def _prose(text: str) -> str:
    return "\n".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n"))


def _inline(text: str) -> str:
    return _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text)))
