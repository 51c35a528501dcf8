"""What comes in is stored and worked on, or refused and leaves nothing behind."""

import asyncio
import gzip
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from orders_service.forms import FORM_OVERHEAD_BYTES
from orders_service.imports.arriving import MOST_BYTES
from orders_service.settings import DEVELOPMENT_KEY
from orders_service.uploads import sweep_uploads, unclaimed_before
from pipelines import pause, start
from tests.builders.imports import a_file, a_row, at_rest, sent
from tests.builders.shop import Shop

LARGE = a_file(*(a_row(f"A-{number}", line1="x" * 190) for number in range(8000)))  # more than is kept in memory
NO_CSV = gzip.compress(LARGE, compresslevel=0)
NO_HEADER = LARGE[10:]


def removals(shop: Shop) -> int:
    return sum(run.pipeline == "remove-upload" for run in shop._stage.runs())


def nothing_is_left(shop: Shop) -> bool:
    return [shop.count(table) for table in ("imports", "uploads", "upload_parts", "orders")] == [0, 0, 0, 0]


def open_files_in(folder: Path) -> int:
    """A temporary file has no name; whoever has it open keeps it."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            links.append(descriptor.readlink())
        except OSError:
            continue  # that of the folder itself
    return sum(str(link).startswith(str(folder)) for link in links)


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with tempfile.TemporaryFile():
        assert open_files_in(folder) == 1
    return folder


async def test_it_answers_at_once_and_says_where_to_look(shop: Shop) -> None:
    response = await sent(shop.api, a_file(), name="C:\\May\\orders of may.csv")
    shown = response.json()
    assert (response.status_code, response.headers["location"]) == (202, f"/v1/imports/{shown['id']}")
    assert int(response.headers["retry-after"]) > 0
    assert (shown["state"], shown["progress"]) == ("running", {"done": 0, "total": None})
    assert (shown["orders"], shown["failed_rows"], shown["file_name"]) == (0, 0, "orders of may.csv")
    assert shown["errors_url"] == f"/v1/imports/{shown['id']}/errors"
    assert (await shop.api.get(shown["run"]["url"])).json()["pipeline"] == "import-orders"


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 422, "empty"),
        (b"\xef\xbb\xbf", 422, "empty"),
        (b"a,b\n", 422, "first line"),
        (a_file().replace(b",", b";"), 422, "commas"),
        (a_file().decode().encode("utf-16"), 422, "not UTF-8: line 1, byte 1"),
        ("größe".encode("latin-1") + a_file(), 422, "not UTF-8: line 1, byte 3"),
        (b"\0" + a_file(), 422, "first line"),
        (b"x" * 70_000, 422, "longer than"),
        (gzip.compress(a_file()), 415, "gzip"),
        (b"PK\x03\x04" + b"\0" * 50, 415, "workbook"),
        (b"\x28\xb5\x2f\xfd" + b"\0" * 50, 415, "Zstandard"),
    ],
    ids=["empty", "bom", "header", "semicolons", "utf-16", "latin-1", "nul", "long", "gzip", "xlsx", "zstd"],
)
async def test_what_is_no_file_of_orders_is_refused_at_once(shop: Shop, content: bytes, status: int, said: str) -> None:
    response = await sent(shop.api, content)
    assert response.status_code == status
    assert said in response.json()["detail"]
    assert nothing_is_left(shop)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"json": {"file": "x"}}, 415),
        ({"data": {"file": "x"}}, 415),
        ({"content": a_file(), "headers": {"Content-Type": "text/csv"}}, 415),
        ({"content": a_file(), "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"no form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400),
        ({"files": {"file": a_file()}, "headers": {"Content-Encoding": "gzip"}}, 415),
        ({"files": {"csv": a_file()}}, 422),
        ({"files": {"file": (None, a_file())}}, 422),
        ({"files": {"file": a_file()}, "data": {"surprise": "1"}}, 422),
        ({"files": [("file", a_file()), ("file", a_file())]}, 422),
        ({"files": [("file", a_file())] * 5}, 400),
        ({"files": {"file": a_file()}, "params": {"dry_run": "1"}}, 422),
        ({"files": {"file": a_file()}, "headers": {"Idempotency-Key": ""}}, 400),
    ],
)
async def test_what_is_no_form_with_one_file_is_refused(corner_shop: Shop, request_: Any, status: int) -> None:
    response = await corner_shop.api.post("/v1/imports", **request_)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert nothing_is_left(corner_shop)


@pytest.mark.parametrize("charset", ["punycode", "undefined", "idna", "base64", "\u00ff", "none-such"])
async def test_a_charset_that_a_client_makes_up_is_no_failure_of_ours(corner_shop: Shop, charset: str) -> None:
    kind = f"text/csv; charset={charset}".encode("latin-1")
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: ' + kind + b"\r\n\r\n"
    form += a_file() + b"\r\n--b--\r\n"
    statuses = []
    for said in ("", f"; charset={charset}"):
        headers = [(b"Content-Type", f"multipart/form-data; boundary=b{said}".encode("latin-1"))]
        statuses.append((await corner_shop.api.post("/v1/imports", content=form, headers=headers)).status_code)
    assert statuses[0] == 202
    assert statuses[1] in {202, 400, 422}


async def test_nothing_is_read_before_it_is_known_who_sends(corner_shop: Shop, spool: Path) -> None:
    answers = [await sent(corner_shop.client(key), b"no csv") for key in (None, "ok_1_2")]
    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("name", ["\0.csv", "a\nb.csv", "../../etc/passwd", "x" * 300, "\u202egnp.csv", "=1+1.csv"])
async def test_the_name_of_a_file_is_only_a_word_about_it(shop: Shop, name: str) -> None:
    response = await sent(shop.api, a_file(), name=name)
    assert response.status_code == 202
    shown = response.json()["file_name"]
    assert shown is None or ("/" not in shown and len(shown) <= 200 and shown.isprintable())


async def test_more_than_the_limit_is_refused_before_it_is_read(corner_shop: Shop) -> None:
    headers = {
        "Content-Length": str(MOST_BYTES + FORM_OVERHEAD_BYTES + 1),
        "Content-Type": "multipart/form-data; boundary=x",
    }
    response = await corner_shop.api.post("/v1/imports", content=b"--x", headers=headers)
    assert response.status_code == 413


async def test_a_file_that_turns_out_too_large_is_not_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders_service.imports.routes.MOST_BYTES", len(LARGE) - 1)
    response = await sent(shop.api, LARGE)
    assert (response.status_code, response.json()["code"]) == (413, "payload-too-large")
    await shop.run_to_the_end()
    assert removals(shop) == 0
    assert nothing_is_left(shop)


async def test_a_stored_file_is_removed_when_the_commit_is_refused(own_shop: Shop) -> None:
    await own_shop.write("ALTER TABLE imports RENAME TO hidden")
    response = await sent(own_shop.api, LARGE)
    await own_shop.write("ALTER TABLE hidden RENAME TO imports")
    assert response.status_code in {500, 503}  # to SQLite a table that it misses is trouble of its own
    await own_shop.run_to_the_end()
    assert removals(own_shop) == 1
    assert nothing_is_left(own_shop)


async def test_a_file_that_waits_for_its_import_is_nobodys_to_sweep(shop: Shop) -> None:
    await shop.process.write(pause, "import-orders", actor="a test", reason="so that the file waits")
    await sent(shop.api, a_file())
    late = unclaimed_before(shop.clock.now() + timedelta(days=2))
    await shop.process.write(start, sweep_uploads, late)
    await shop.settled()
    assert (removals(shop), shop.count("uploads")) == (0, 1)


async def test_the_same_request_imports_once(shop: Shop) -> None:
    answers = [await sent(shop.api, a_file(), key="may", name=name) for name in ("a.csv", "b.csv")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    await at_rest(shop, answers[0].json())
    assert [shop.count(table) for table in ("imports", "orders", "uploads")] == [1, 1, 0]


async def test_another_file_under_the_same_key_is_refused_and_removed(shop: Shop) -> None:
    first = await sent(shop.api, a_file(), key="may")
    other = await sent(shop.api, a_file(a_row("B")), key="may")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")
    await at_rest(shop, first.json())
    assert removals(shop) == 2
    assert [shop.count(table) for table in ("imports", "orders", "uploads")] == [1, 1, 0]


async def test_the_same_key_of_somebody_else_is_another_one(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    ids = {(await sent(client, a_file(), key="may")).json()["id"] for client in (ada, bob)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("content", "field", "status"),
    [(LARGE, "file", 202), (NO_HEADER, "file", 422), (NO_CSV, "file", 415), (LARGE, "csv", 422)],
)
async def test_no_temporary_file_outlives_its_request(
    corner_shop: Shop, spool: Path, content: bytes, field: str, status: int
) -> None:
    response = await corner_shop.api.post("/v1/imports", files={field: content})
    assert response.status_code == status
    assert open_files_in(spool) == 0


async def test_no_temporary_file_outlives_a_client_that_goes_away(corner_shop: Shop, spool: Path) -> None:
    status, most = await _cut_off(corner_shop, LARGE, lambda: open_files_in(spool))
    assert (status, most) == (400, 1)
    assert open_files_in(spool) == 0
    assert nothing_is_left(corner_shop)


async def _cut_off(shop: Shop, content: bytes, look: Callable[[], int]) -> tuple[int, int]:
    """Send all but the end of a form, and be gone; says the status, and what was seen at the most."""
    request = httpx2.Request("POST", "http://shop.test/v1/imports", files={"file": ("a.csv", content)})
    pieces, seen, sent_back = [request.read()[: -len(content) // 3], None], [0], []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        seen.append(look())
        piece = pieces.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: Any) -> None:
        sent_back.append(message.get("status"))

    headers = [
        (b"host", b"shop.test"),
        (b"authorization", f"Bearer {DEVELOPMENT_KEY}".encode()),
        (b"content-type", request.headers["content-type"].encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/imports", "query_string": b"", "headers": headers}
    await shop._with_state(scope | {"http_version": "1.1", "client": None, "scheme": "http"}, receive, send)
    return sent_back[0], max(seen)
