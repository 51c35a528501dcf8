import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service.imports import chunks, importing, records
from orders_service.imports.chunks import chunk_at
from orders_service.imports.importing import ImportedFile, check_file
from orders_service.imports.records import HEADER, Place, Record
from orders_service.uploads import PART_BYTES
from pipelines import Priority, StepContext, pause
from tests.builders.gateways import Door
from tests.builders.imports import a_file, a_row, accepted, at_rest, begun, complaints, imported
from tests.builders.orders import a_product
from tests.builders.shop import Shop

HOSTILE = ("", "a\0b", "\u202e", "x" * 2000, "=1+1", str(2**63), "NaN", "1e400", "-1", "true", '"', "\r\n", "ä" * 30)


async def test_each_reference_becomes_an_order(shop: Shop) -> None:
    done = await imported(shop, a_row("A", quantity=2), a_row("A", sku="lamp"), a_row("B"))
    assert (done["state"], done["orders"], done["failed_rows"]) == ("completed", 2, 0)
    assert done["progress"] == {"done": 3, "total": 3}
    orders = (await shop.api.get("/v1/orders")).json()["items"]
    assert sorted([(item["sku"], item["quantity"]) for item in order["items"]] for order in orders) == [
        [("mug", 1)],
        [("mug", 2), ("lamp", 1)],
    ]
    assert {order["status"] for order in orders} == {"completed"}
    assert len(shop.mail.letters) == len(shop.warehouse.requests) == 2


async def test_orders_belong_to_whoever_imports_them(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    await at_rest(shop, await accepted(shop, a_file(), by=ada))
    owned = [len((await client.get("/v1/orders")).json()["items"]) for client in (ada, bob)]
    assert owned == [1, 0]


async def test_a_wrong_order_is_left_out_and_the_others_go_on(shop: Shop) -> None:
    rows = a_row("A"), a_row("B", sku="nothing"), a_row("B"), a_row("C", quantity="many"), a_row("D")
    done = await imported(shop, *rows)
    assert (done["state"], done["orders"], done["failed_rows"]) == ("completed", 2, 3)
    told = [(row, ref, column) for row, ref, column, _ in await complaints(shop, done)]
    assert told == [("3", "B", "sku"), ("4", "B", ""), ("5", "C", "quantity")]


async def test_rows_of_one_order_stand_together(shop: Shop) -> None:
    done = await imported(shop, a_row("A"), a_row("B"), a_row("A", sku="lamp"))
    assert (done["orders"], done["failed_rows"]) == (2, 1)
    assert [row[:3] for row in await complaints(shop, done)] == [["4", "A", "order_ref"]]


async def test_a_reference_is_known_again_however_far_apart(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_ORDERS", 1)
    done = await imported(shop, a_row("A", quantity="none"), a_row("B"), a_row("A"))
    assert (done["orders"], done["failed_rows"]) == (1, 2)


async def test_an_order_of_more_than_a_hundred_rows_fails_whole(shop: Shop) -> None:
    rows = [a_row("A", sku=f"sku-{number}") for number in range(250)]
    done = await imported(shop, *rows, a_row("B"))
    assert (done["orders"], done["failed_rows"]) == (1, 250)
    assert len(await complaints(shop, done)) == 250


async def test_what_only_the_catalog_knows_is_told_too(shop: Shop) -> None:
    await shop.offer(a_product("yen", currency="JPY"), a_product("jewel", price=2**53 - 1))
    done = await imported(shop, a_row("A"), a_row("A", sku="yen"), a_row("B", sku="jewel", quantity=2))
    assert (done["orders"], done["failed_rows"]) == (0, 3)
    assert ["one currency" in row[3] or "larger" in row[3] for row in await complaints(shop, done)] == [True] * 3


async def test_no_cell_makes_the_service_fail(shop: Shop) -> None:
    rows = [
        a_row(**{"order_ref": f"{name}-{place}", name: cell}) for name in HEADER for place, cell in enumerate(HOSTILE)
    ]
    done = await imported(shop, *rows)
    assert (done["state"], done["progress"]["done"]) == ("completed", len(rows))
    assert done["orders"] + done["failed_rows"] == len(rows)
    assert shop.count("orders") == done["orders"] < len(rows) / 2


@pytest.mark.parametrize(
    ("rows", "reason"),
    [((), "no rows"), ((a_row("A"), a_row("B"), a_row("C"), a_row("D")), "more than 3 rows")],
)
async def test_a_file_has_rows_and_not_too_many(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, rows: tuple[list[str], ...], reason: str
) -> None:
    monkeypatch.setattr(importing, "MOST_ROWS", 3)
    content = a_file(*rows) if rows else a_file().splitlines()[0]
    done = await at_rest(shop, await accepted(shop, content))
    assert (done["state"], done["orders"], done["finished_at"] is not None) == ("rejected", 0, True)
    assert reason in done["reason"]
    assert shop.count("orders") == shop.count("uploads") == 0


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("Zürich".encode("latin-1"), "not UTF-8: line 52"),
        (b'"', "Line 52 is no CSV"),
        (b"x" * 70_000, "Line 52 is longer"),
    ],
)
async def test_a_file_that_is_broken_anywhere_is_refused_whole(shop: Shop, tail: bytes, reason: str) -> None:
    content = a_file(*(a_row(f"A-{number}") for number in range(50))) + tail
    done = await at_rest(shop, await accepted(shop, content))
    assert (done["state"], done["orders"]) == ("rejected", 0)
    assert reason in done["reason"]
    assert shop.count("orders") == shop.count("upload_parts") == 0


async def test_more_rows_than_a_hundred_thousand_are_refused(corner_shop: Shop) -> None:
    line = ",".join(a_row()).encode() + b"\n"
    done = await at_rest(corner_shop, await accepted(corner_shop, a_file() + line * 100_000))
    assert (done["state"], done["reason"]) == ("rejected", "The file has more than 100000 rows.")


async def test_an_import_is_many_commits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_ORDERS", 2)
    done = await imported(shop, *(a_row(f"A-{number}") for number in range(7)))
    assert (done["orders"], done["progress"]) == (7, {"done": 7, "total": 7})


async def test_the_file_is_removed_at_the_end(shop: Shop) -> None:
    await imported(shop, a_row())
    assert (shop.count("uploads"), shop.count("upload_parts")) == (0, 0)


async def test_orders_that_are_posted_go_before_imported_ones(shop: Shop) -> None:
    await shop.process.write(pause, "fulfill-order", actor="a test", reason="to look at what waits")
    await shop.placed()
    await accepted(shop, a_file())
    await shop.settled()
    found = shop.rows(text("SELECT priority FROM runs WHERE pipeline = 'fulfill-order' ORDER BY priority"))
    assert [row[0] for row in found] == [Priority.NORMAL, Priority.LOW]


async def test_imports_of_one_principal_go_one_after_another(shop: Shop) -> None:
    await shop.process.write(pause, "import-orders", actor="a test", reason="to look at what waits")
    for name in ("ada", "ada", "bob"):
        await accepted(shop, a_file(), by=await shop.client_of(name))
    lines = shop.rows(text("SELECT serial, count(*) FROM runs WHERE pipeline = 'import-orders' GROUP BY serial"))
    assert sorted(tuple(line) for line in lines) == [("ada", 2), ("bob", 1)]


@pytest.mark.parametrize("step", ["check_file", "create_orders"])
async def test_an_import_that_is_tried_again_says_that_its_file_is_gone(shop: Shop, step: str) -> None:
    done = await at_rest(shop, await accepted(shop, a_file()))
    await shop.write("UPDATE imports SET rows_done = 0, next_byte = 0, next_record = 0")
    run_id = UUID(done["run"]["id"])
    failed = "UPDATE runs SET state = 'failed', step = :step WHERE id = :id"
    await shop.write(failed, step=step, id=_stored(shop, done["run"]["id"]))
    await shop.process.write(shop.process.steering.retry, run_id, actor="a test", reason="to see")
    assert (await shop.api.get(f"/v1/imports/{done['id']}")).json()["state"] == "running"
    again = await at_rest(shop, done)
    assert again["state"] == "rejected"
    assert "send it again" in again["reason"]


async def test_a_file_that_an_earlier_release_has_checked_is_refused_where_it_is_unfit(
    shop: Shop, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_import = await begun(shop, door)
    monkeypatch.setattr(records, "MOST_LINES", 1)
    door.open()
    done = await at_rest(shop, order_import)
    assert (done["state"], done["reason"]) == ("rejected", "The file has more than 1 lines.")


async def test_files_that_are_checked_leave_room_for_other_work(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, check = threading.Event(), records.check_header

    def check_slowly(each: Iterator[Record]) -> None:
        checked.wait(20)
        check(each)

    monkeypatch.setattr(importing, "check_header", check_slowly)
    try:
        for number in range(4):
            await accepted(corner_shop, a_file(), by=await corner_shop.client_of(f"customer-{number}"))
        report = (await corner_shop.api.post("/v1/reports", json={"type": "stock"})).json()
        async with asyncio.timeout(10):
            while (await corner_shop.api.get(report["run"]["url"])).json()["state"] != "completed":
                await corner_shop.api.get("/v1/imports")
    finally:
        checked.set()
    await corner_shop.run_to_the_end()
    assert corner_shop.count("orders") == 4


def _stored(shop: Shop, run_id: str) -> str:
    return UUID(run_id).hex if "sqlite" in str(shop.process.readers.url) else run_id


async def test_it_is_audited_who_imports(shop: Shop) -> None:
    accepted_import = await accepted(shop, a_file(), by=await shop.client_of("ada"))
    (entry,) = (await shop.api.get("/v1/audit")).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject_id"]) == ("ada", "import_started", accepted_import["id"])


async def test_fifty_thousand_rows_take_no_more_memory_than_a_chunk(corner_shop: Shop) -> None:
    await corner_shop.process.write(pause, "import-orders", actor="a test", reason="to read it ourselves")
    one = a_file(*(a_row("A-X", sku=f"sku-{number}") for number in range(100)))
    header, lines = one[: one.index(b"A-X")], one[one.index(b"A-X") :]
    content = header + b"".join(lines.replace(b"A-X", b"A-%d" % number) for number in range(500))
    order_import = await accepted(corner_shop, content)
    upload_id = UUID(str(corner_shop.rows(text("SELECT id FROM uploads"))[0][0]))
    file = ImportedFile(import_id=UUID(order_import["id"]), upload_id=upload_id, principal="admin")
    step = StepContext(run_id=corner_shop.run(order_import).id, step="check_file", attempt=1, idempotency_key="")
    last = Place(content.index(b"A-499,"), 49_901)
    del content, lines
    gc.collect()
    tracemalloc.start()
    try:
        checked = corner_shop.read(lambda session: check_file(file, session, step))
        chunk = corner_shop.read(lambda session: chunk_at(session, upload_id, last))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (checked.rows, chunk.rows, [entry.ref for entry in chunk.entries]) == (50_000, 100, ["A-499"])
    assert most < 8 * PART_BYTES
