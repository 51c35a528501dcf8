"""A request that fails after it has stored a picture: a run removes it, although the request failed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import Connection, Uuid, text

from orders_service import schema, uploads
from orders_service.background import SCHEDULES
from orders_service.uploads.receiving import PART_BYTES
from pipelines import Limits
from pipelines.testing import Died
from tests.builders.around_commits import AroundCommits, holding
from tests.builders.gallery import Gallery
from tests.builders.pictures import a_photo
from tests.builders.shop import Shop, open_shop

LARGE = a_photo("PNG", width=700, height=400)
PIECES = -(-len(LARGE) // PART_BYTES)
SHORT = Limits(patience_seconds=1.5)
TWO_HOURS = timedelta(hours=2)


class Opens(Protocol):
    def __call__(self, *, role: str = "all", **process: Any) -> AbstractAsyncContextManager[Gallery]: ...


@pytest.fixture
def galleries(database_url: str, tmp_path: Path) -> Opens:
    """On a database of its own, with the schedules of the service."""

    @asynccontextmanager
    async def opened(*, role: str = "all", **process: Any) -> AsyncIterator[Gallery]:
        async with open_shop(database_url, tmp_path, schedules=SCHEDULES, role=role, **process) as shop:
            yield Gallery(shop)

    schema.migrate(database_url)
    return opened


def test_the_picture_is_in_several_pieces() -> None:
    assert PIECES > 2


async def failed(gallery: Gallery, status: int, code: str) -> Any:
    response = await gallery.send(LARGE, "image/png")
    assert (response.status_code, response.json()["code"]) == (status, code)
    return response.json()


def started(shop: Shop, pipeline: str) -> int:
    return int(shop.rows(text("SELECT count(*) FROM runs WHERE pipeline = :name").bindparams(name=pipeline))[0][0])


async def expect_nothing_left(gallery: Gallery, *, removals: int) -> None:
    await gallery.shop.run_to_the_end()
    assert gallery.files_left() == (0, 0)
    assert started(gallery.shop, "remove-upload") == removals
    assert started(gallery.shop, "prepare-image") == 0


async def answered(gallery: Gallery, faults: AroundCommits) -> None:
    """The database is there again: whatever goes after what was withheld is written after it."""
    faults.let_go()
    await gallery.shop.process.write(lambda _: None)


def sell_out(connection: Connection) -> None:
    """Somebody takes the product out of the catalog, while its picture is on its way."""
    connection.execute(text("UPDATE products SET removed_at = CURRENT_TIMESTAMP WHERE sku = 'mug'"))


async def test_a_product_that_goes_after_it_was_looked_up(galleries: Opens) -> None:
    async with galleries(faults=AroundCommits(holding("upload_parts", 2), sell_out)) as gallery:
        await failed(gallery, 404, "not-found")
        await expect_nothing_left(gallery, removals=1)


@pytest.mark.parametrize("table", ["audit_entries", "product_image_uploads", "product_images"])
async def test_a_commit_that_the_database_refuses(galleries: Opens, table: str) -> None:
    async with galleries() as gallery:
        await gallery.shop.write(f"ALTER TABLE {table} RENAME TO mislaid")
        is_sqlite = (
            gallery.shop.process.readers.dialect.name == "sqlite"
        )  # to which a table it misses is trouble of its own
        problem = await failed(gallery, *((503, "unavailable") if is_sqlite else (500, "internal-error")))
        assert "mislaid" not in problem["detail"]
        await expect_nothing_left(gallery, removals=1)
        await gallery.shop.write(f"ALTER TABLE mislaid RENAME TO {table}")
        assert (await gallery.send()).status_code == 202


async def test_an_upload_that_was_swept_before_it_was_claimed(galleries: Opens) -> None:
    def sweep(connection: Connection) -> None:
        for table in ("upload_parts", "uploads"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - one of these two

    async with galleries(faults=AroundCommits(holding("upload_parts", PIECES), sweep)) as gallery:
        await failed(gallery, 503, "unavailable")
        await expect_nothing_left(gallery, removals=1)


async def test_a_client_that_goes_away(galleries: Opens) -> None:
    faults = AroundCommits(holding("upload_parts", 2), withheld=True)
    async with galleries(faults=faults) as gallery:
        request = asyncio.create_task(gallery.send(LARGE, "image/png"))
        await faults.until_withheld()
        request.cancel()
        await asyncio.sleep(0)  # it is told so
        faults.let_go()
        with pytest.raises(asyncio.CancelledError):
            await request
        await expect_nothing_left(gallery, removals=1)


async def test_a_database_that_does_not_answer_leaves_it_to_the_sweep(galleries: Opens) -> None:
    faults = AroundCommits(holding("upload_parts", 2), withheld=True)
    async with galleries(faults=faults, limits=SHORT) as gallery:
        await failed(gallery, 503, "outcome-unknown")
        await answered(gallery, faults)
        await gallery.shop.settled()
        assert gallery.files_left() == (1, 2)
        await gallery.shop.advance(TWO_HOURS)
        await expect_nothing_left(gallery, removals=1)


async def test_a_commit_whose_answer_is_lost_has_happened(galleries: Opens) -> None:
    faults = AroundCommits(holding("product_image_uploads"), withheld=True)
    async with galleries(faults=faults, limits=SHORT) as gallery:
        await failed(gallery, 503, "outcome-unknown")
        await answered(gallery, faults)
        await gallery.shop.run_to_the_end()
        assert (await gallery.shown()).status_code == 200
        assert (await gallery.status())["state"] == "ready"
        assert gallery.files_left() == (0, 0)


async def test_the_removal_that_such_a_request_asks_for_spares_what_is_claimed(galleries: Opens) -> None:
    """The same with a database that answers just in time for the clean-up, and nobody who prepares the picture."""
    async with galleries(role="api") as gallery:
        await gallery.sent(LARGE, "image/png")
        [(upload_id,)] = gallery.shop.rows(text("SELECT id FROM uploads").columns(id=Uuid()))
        await gallery.shop.process.write(uploads.start_removal, upload_id, only_if_unclaimed=True)
    async with galleries() as gallery:
        await gallery.shop.run_to_the_end()
        assert (await gallery.shown()).status_code == 200
        assert started(gallery.shop, "remove-upload") == 2
        assert gallery.files_left() == (0, 0)


async def test_a_crash_between_storing_and_claiming_is_swept(galleries: Opens) -> None:
    async with galleries(faults=AroundCommits(holding("product_image_uploads"), die)) as gallery:
        await failed(gallery, 503, "outcome-unknown")
        assert gallery.files_left()[0] == 1
    async with galleries() as gallery:
        await gallery.shop.settled()
        assert gallery.files_left()[0] == 1  # it might still be claimed, for all that anybody knows
        await gallery.shop.advance(TWO_HOURS)
        await expect_nothing_left(gallery, removals=1)


def die(_: Connection) -> None:
    raise Died
