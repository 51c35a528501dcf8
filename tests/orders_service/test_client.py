"""The client of the commands: one clear line for whatever goes wrong, and the credential to nobody else."""

import asyncio
import json
import socket
from importlib.metadata import version
from typing import Any

import pytest
from pydantic import SecretStr

from orders_service.client import Client, ServiceAway, ServiceError, ServiceRefused, client_for
from orders_service.settings import Settings
from tests.harness.raw_server import Talk, always_saying, http_answer, nothing, raw_server, read_http_request

PROBLEM = (
    b'{"title": "Invalid request", "detail": "Refused.", "code": "invalid-request", "request_id": "r1", '
    b'"errors": [{"location": "body", "pointer": "/principal", "message": "too short"}]}'
)


async def called(talk: Talk, method: str = "GET", body: Any = None) -> Any:
    async with raw_server(talk) as server:
        client = Client(f"http://127.0.0.1:{server.port}/", "a-key")
        return await asyncio.to_thread(client.call, method, "/v1/things", body)


async def test_an_answer_is_read_and_an_empty_one_is_nothing() -> None:
    assert await called(always_saying(http_answer(200, body=b'{"a": 1}'))) == {"a": 1}
    assert await called(always_saying(http_answer(204)), "DELETE") is None


async def test_a_problem_is_one_line_with_what_was_wrong_and_the_id_of_the_request() -> None:
    with pytest.raises(ServiceRefused) as refused:
        await called(always_saying(http_answer(422, body=PROBLEM)), "POST", {"a": 1})
    assert str(refused.value) == "Invalid request: principal: too short (request r1)"
    assert (refused.value.code, refused.value.exit_code) == ("invalid-request", 1)


@pytest.mark.parametrize(
    "talk",
    [
        nothing,
        always_saying(http_answer(502, body=b"<html>")),
        always_saying(http_answer(500, body=b"[]")),
        always_saying(http_answer(200, body=b"<html>")),
        always_saying(http_answer(301, "Location: http://127.0.0.2/")),
        always_saying(b"garbage\r\n\r\n"),
    ],
    ids=["closes", "502", "no problem", "no json", "redirect", "garbage"],
)
async def test_what_is_not_our_service_is_said_in_one_line(talk: Talk) -> None:
    with pytest.raises(ServiceAway) as away:
        await called(talk)
    assert len(str(away.value).splitlines()) == 1
    assert away.value.exit_code == 2


def test_nobody_listening_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServiceAway, match="--url"):
        Client(f"http://127.0.0.1:{port}", "a-key").get("/v1/things")


@pytest.mark.parametrize("url", ["", "localhost:8000", "file:///etc/passwd", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ServiceError, match="--url must be"):
        Client(url, "a-key")


@pytest.mark.parametrize(
    ("host", "base"),
    [("127.0.0.1", "http://127.0.0.1:9"), ("0.0.0.0", "http://127.0.0.1:9"), ("::", "http://127.0.0.1:9")],  # noqa: S104 - what production listens on
)
def test_the_service_of_this_machine_is_found(host: str, base: str) -> None:
    settings = Settings.model_construct(host=host, port=9, admin_key=SecretStr("a-key"))
    assert client_for(settings, None)._base == base
    assert client_for(settings, "https://orders.example.com/")._base == "https://orders.example.com"


def test_another_service_and_a_key_for_it_are_set() -> None:
    settings = Settings(api_url="https://orders.example.com/", api_key=SecretStr("mine"), admin_key=SecretStr("root"))
    client = client_for(settings, None)
    assert (client._base, client._key) == ("https://orders.example.com", "mine")
    assert client_for(settings, "http://127.0.0.1:9")._base == "http://127.0.0.1:9"


@pytest.mark.parametrize("key", ["a-key\n", "a\rkey", "schl\N{LATIN SMALL LETTER U WITH DIAERESIS}ssel"])
def test_a_credential_that_no_header_takes_is_called_so(key: str) -> None:
    with pytest.raises(ServiceAway, match="credential"):
        Client("http://127.0.0.1:9", key)


async def test_what_is_wrong_for_two_reasons_alike_is_said_once() -> None:
    [flaw] = json.loads(PROBLEM)["errors"]
    twice = json.dumps({**json.loads(PROBLEM), "errors": [flaw, flaw]}).encode()
    with pytest.raises(ServiceRefused, match=r"^Invalid request: principal: too short \(request r1\)$"):
        await called(always_saying(http_answer(422, body=twice)))


async def test_who_is_not_known_is_told_where_the_key_is_set() -> None:
    problem = b'{"title": "Unauthenticated", "detail": "No.", "code": "unauthenticated", "request_id": "r1"}'
    with pytest.raises(ServiceRefused, match="ORDERS_API_KEY"):
        await called(always_saying(http_answer(401, body=problem)))


async def test_every_request_says_that_a_command_sends_it() -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_http_request(reader)).lower())
        writer.write(http_answer(204))
        await writer.drain()

    await called(talk)
    assert f"user-agent: orders-cli/{version('orders-service')}".encode() in heads[0]
    assert b"x-request-id: orders-cli-" in heads[0]


async def test_what_the_service_says_is_one_line_that_steers_no_terminal() -> None:
    hostile = PROBLEM.replace(b"too short", rb"\u001b[45m\nnext \u202eline")
    with pytest.raises(ServiceRefused) as refused:
        await called(always_saying(http_answer(422, body=hostile)))
    assert str(refused.value) == r"Invalid request: principal: \x1b[45m\nnext \u202eline (request r1)"
