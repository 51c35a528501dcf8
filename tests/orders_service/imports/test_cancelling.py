import asyncio
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service.imports import ImportMoved, queries
from orders_service.imports.chunks import chunk_at
from orders_service.imports.creating import create_chunk, standing_of
from pipelines import cancel
from tests.builders.gateways import Door
from tests.builders.imports import a_file, accepted, at_rest, begun
from tests.builders.shop import Shop


async def test_a_cancelled_import_stops_after_the_chunk(shop: Shop, door: Door) -> None:
    order_import = await begun(shop, door)
    response = await shop.api.post(f"/v1/imports/{order_import['id']}/cancel")
    assert (response.status_code, response.json()["state"], response.json()["orders"]) == (200, "cancelled", 2)
    done = await at_rest(shop, order_import)
    assert (done["state"], done["reason"], done["orders"]) == ("cancelled", "cancelled on request", 2)
    assert (done["progress"], done["finished_at"] is not None) == ({"done": 2, "total": 10}, True)
    assert (shop.count("orders"), shop.count("uploads")) == (2, 0)
    statuses = {order["status"] for order in (await shop.api.get("/v1/orders")).json()["items"]}
    assert statuses == {"completed"}


async def test_a_run_that_is_cancelled_is_an_import_that_is_cancelled(shop: Shop, door: Door) -> None:
    order_import = await begun(shop, door)
    await shop.process.write(cancel, shop.run(order_import).id, reason="by an operator")
    done = await at_rest(shop, order_import)
    assert (done["state"], done["reason"], done["orders"]) == ("cancelled", "by an operator", 2)
    assert shop.count("uploads") == 0


async def test_a_chunk_that_was_on_its_way_is_written_before_the_import_ended_or_not_at_all(
    shop: Shop, door: Door
) -> None:
    order_import = await begun(shop, door)
    import_id = UUID(order_import["id"])
    standing = shop.read(lambda session: standing_of(session, import_id))
    upload = UUID(str(shop.rows(text("SELECT id FROM uploads"))[0][0]))
    chunk = shop.read(lambda session: chunk_at(session, upload, standing.place))
    stop = partial(queries.stop, import_id=import_id, reason="in the same COMMIT")
    write = shop.process.write
    outcomes = await asyncio.gather(write(create_chunk, import_id, "ada", chunk), write(stop), return_exceptions=True)
    assert outcomes[1] is None
    with pytest.raises(ImportMoved):
        await write(create_chunk, import_id, "ada", chunk)
    written = 2 if isinstance(outcomes[0], ImportMoved) else 4
    assert (await shop.api.get(f"/v1/imports/{import_id}")).json()["orders"] == shop.count("orders") == written


async def test_an_import_that_has_ended_cannot_be_cancelled(shop: Shop) -> None:
    done = await at_rest(shop, await accepted(shop, a_file()))
    response = await shop.api.post(f"/v1/imports/{done['id']}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    assert "completed" in response.json()["detail"]


async def test_it_is_cancelled_once(shop: Shop, door: Door) -> None:
    order_import = await begun(shop, door)
    answers = [await shop.api.post(f"/v1/imports/{order_import['id']}/cancel") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]


async def test_it_is_audited_who_cancels(shop: Shop, door: Door) -> None:
    order_import = await begun(shop, door)
    await shop.api.post(f"/v1/imports/{order_import['id']}/cancel")
    newest = (await shop.api.get("/v1/audit")).json()["items"][0]
    assert (newest["actor"], newest["action"], newest["subject_id"]) == (
        "admin",
        "import_cancelled",
        order_import["id"],
    )
    assert (newest["before"], newest["after"]) == ({"state": "running"}, {"state": "cancelled", "orders": 2})
