"""A form with one file: read late, strictly, and without leaving anything in a temporary folder."""

import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CollectorRegistry

from orders_service import edge, problem_handlers
from orders_service.exchange import Limits
from orders_service.forms import only_file
from orders_service.metrics import HttpMetrics
from orders_service.strict_json import StrictRoute

LARGE = b"x" * (2 * 1024 * 1024)  # so much goes to the disk
MOST_BYTES = 3 * 1024 * 1024
router = APIRouter(route_class=StrictRoute)


@router.post("/files")
async def take(request: Request) -> int:
    async with only_file(request) as file:
        return len(await file.read())


@router.post("/failures")
async def fail(request: Request) -> None:
    async with only_file(request):
        raise RuntimeError("after it was read")


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    problem_handlers.install(app, {})
    limits = Limits(larger_bodies={"/files": MOST_BYTES, "/failures": MOST_BYTES})
    edge.install(app, limits, HttpMetrics(CollectorRegistry(), version="0"))
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://forms.test") as client:
        yield client


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """Every temporary file that is opened meanwhile."""
    opened: list[IO[bytes]] = []
    really = tempfile.SpooledTemporaryFile

    def remembered(*args: Any, **options: Any) -> Any:
        opened.append(really(*args, **options))
        return opened[-1]

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", remembered)
    return opened


def body(*parts: tuple[str, bytes]) -> bytes:
    """`parts` are what stands in a part's Content-Disposition, and its content."""
    sent = b"".join(
        b"--b\r\nContent-Disposition: form-data; " + said.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n"
        for said, content in parts
    )
    return sent + b"--b--\r\n"


FILE = ('name="file"; filename="a"', b"abc")
FORM = "multipart/form-data; boundary=b"


async def test_the_file_is_handed_over_and_then_closed(client: httpx2.AsyncClient, temporary: list[IO[bytes]]) -> None:
    response = await client.post("/files", files={"file": ("a", LARGE)})
    assert (response.status_code, response.json()) == (200, len(LARGE))
    assert [file.closed for file in temporary] == [True]


REFUSED = [
    (body(), FORM, (422, "/file")),
    (body(('name="other"; filename="a"', b"abc")), FORM, (422, "")),
    (body(('name="file"', b"abc")), FORM, (422, "/file")),
    (body(FILE, FILE), FORM, (422, "/file")),
    (body(FILE, ('name="note"', b"abc")), FORM, (422, "")),
    (body(FILE, FILE, FILE, FILE, FILE), FORM, (400, None)),
    (body(*[('name="note"', b"x")] * 5), FORM, (400, None)),
    (body(FILE, ('name="note"', b"x" * 1025)), FORM, (400, None)),
    (body(('name="file"; filename="a\x7fb"', b"abc")), FORM, (422, "/file")),
    (body(('name="file"; filename="a\x00b"', b"abc")), FORM, (422, "/file")),
    (body(('filename="a"', b"abc")), FORM, (400, None)),
    (body(FILE)[:-8], FORM, (400, None)),
    (b"", FORM, (400, None)),
    (b"no form at all", FORM, (400, None)),
    (body(FILE), "multipart/form-data", (400, None)),
    (body(FILE), f"{FORM}; charset=undefined", (400, None)),
    (body(FILE), f"{FORM}; charset=punycode", (422, "")),
    (b"{}", "application/json", (415, None)),
    (b"file=abc", "application/x-www-form-urlencoded", (415, None)),
    (body(FILE), "multipart/mixed; boundary=b", (415, None)),
    (body(FILE), "", (415, None)),
]


@pytest.mark.parametrize(("content", "kind", "refusal"), REFUSED)
async def test_a_form_that_is_not_as_it_should_be_is_refused(
    client: httpx2.AsyncClient,
    temporary: list[IO[bytes]],
    content: bytes,
    kind: str,
    refusal: tuple[int, str | None],
) -> None:
    response = await client.post("/files", content=content, headers={"Content-Type": kind})
    [flaw] = response.json().get("errors", [{"pointer": None}])
    assert (response.status_code, flaw["pointer"]) == refusal
    assert all(file.closed for file in temporary)


@pytest.mark.parametrize("path", ["/files", "/failures"])
async def test_whatever_fails_no_temporary_file_is_left(
    client: httpx2.AsyncClient, temporary: list[IO[bytes]], path: str
) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        yield body(('name="file"; filename="a"', LARGE))[:-9]
        yield LARGE

    content: Any = too_much() if path == "/files" else body(('name="file"; filename="a"', LARGE))
    response = await client.post(path, content=content, headers={"Content-Type": FORM})
    assert response.status_code == {"/files": 413, "/failures": 500}[path]
    assert [file.closed for file in temporary] == [True]


async def test_a_client_that_goes_away_is_no_failure_of_ours(app: FastAPI, temporary: list[IO[bytes]]) -> None:
    messages = [
        {"type": "http.request", "body": body(('name="file"; filename="a"', LARGE))[:-9], "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": "/files", "query_string": b"", "http_version": "1.1"}
    headers = [(b"host", b"forms.test"), (b"content-type", FORM.encode())]
    await app({**scope, "headers": headers, "client": None, "scheme": "http"}, receive, send)
    assert answered[0]["status"] == 400
    assert [file.closed for file in temporary] == [True]
