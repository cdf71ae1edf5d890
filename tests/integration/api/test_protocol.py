"""What is hardly HTTP at all is refused in the same shape, and never with a 5xx."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from api_service import limits
from tests.integration.api.stage import Api

JSON_POST = b"POST /v1/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


async def said(api: Api, sent: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(15):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            return int(head.split(b" ", 2)[1]), head, await reader.readexactly(length)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /v1/events\r\n\r\n", 401),  # HTTP/0.9
        (b"BREW /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/ev\x00ents HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/ev ents HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET //[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: a\x00b\r\n\r\n", 400),
        (b"GET /v1/events HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: " + b"a" * 20_000 + b"\r\n\r\n", 400),
        (b"GET /v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: \xff\xfe\r\n\r\n", 401),
        (JSON_POST + b"Content-Length: -1\r\n\r\n", 400),
        (JSON_POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (JSON_POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (JSON_POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400),
        (JSON_POST + b"Transfer-Encoding: rubbish\r\n\r\n{}", 400),
        (JSON_POST + b"Content-Length: 99999999999\r\n\r\n{}", 413),
        (JSON_POST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 417),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417),
    ],
)
async def test_bytes_that_are_hardly_http(api: Api, sent: bytes, status: int) -> None:
    answered, head, body = await said(api, sent)

    assert answered == status
    assert list(json.loads(body)) == ["statusCode", "message", "error", "timestamp"]
    assert json.loads(body)["statusCode"] == status
    assert b"Content-Type: application/json; charset=utf-8" in head


async def test_an_expectation_that_is_not_met_is_told_by_name(api: Api) -> None:
    _, _, body = await said(api, JSON_POST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}")

    assert json.loads(body)["message"] == ["Expect should be 100-continue, or left out"]


async def test_a_body_that_breaks_off_is_nobodys_500(api: Api) -> None:
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(JSON_POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
    async with asyncio.timeout(15):
        await reader.readuntil(b"\r\n\r\n")  # the request is being dealt with
        writer.write(b"{")
        writer.write_eof()
        await reader.read()
    writer.close()

    assert 'route="/v1/register",status="500"' not in (await api.get("/metrics")).text


async def test_a_line_that_is_too_long_is_called_that(api: Api) -> None:
    long = b"a" * (limits.LINE_BYTES + 1)
    _, _, of_path = await said(api, b"GET /v1/events?query=" + long + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    _, _, of_header = await said(api, b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + long + b"\r\n\r\n")

    expected = [f"the request line and every header should have at most {limits.LINE_BYTES} bytes"]
    assert [json.loads(body)["message"] for body in (of_path, of_header)] == [expected, expected]


async def test_a_query_string_may_be_nearly_as_long_as_a_line(api: Api) -> None:
    owners = "&".join(f"query[eventOwner][]={number:0>400}@example.com" for number in range(32))

    assert len(owners) > 12_000
    assert (await api.get(f"/v1/events?{owners}")).json == {"data": [], "meta": {"total": 0}}


async def test_a_compressed_body_is_not_unpacked_to_be_refused(api: Api) -> None:
    packed = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nrubbish"
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(packed + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(15):
        answers = await reader.read()
    writer.close()

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"404", b"200"]


async def test_whoever_waits_to_be_asked_for_the_body_is_asked(api: Api) -> None:
    body = b'{"appName": "continued"}'
    sent = JSON_POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    writer.write(sent)
    async with asyncio.timeout(15):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 201")
    writer.close()
