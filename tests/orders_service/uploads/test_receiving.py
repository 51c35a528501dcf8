"""An upload on its way into the database: whole, or out again."""

import asyncio
import io
import tracemalloc
from typing import BinaryIO

import pytest
from starlette.datastructures import UploadFile

from orders_service import uploads
from orders_service.uploads.receiving import PART_BYTES, StoredUpload
from pipelines import OutcomeUnknown
from tests.builders.shop import Shop

PLENTY = 100 * PART_BYTES


class Lost(Exception):
    """What a request may fail of."""


def a_file(content: bytes) -> UploadFile:
    return UploadFile(io.BytesIO(content), size=len(content), filename="a.bin")


async def stored(shop: Shop, content: bytes) -> StoredUpload:
    async with uploads.received(shop.process, a_file(content), most_bytes=PLENTY) as upload:
        await shop.process.write(uploads.claim, upload.id)
    return upload


def counts(shop: Shop) -> tuple[int, int]:
    return shop.count("uploads"), shop.count("upload_parts")


@pytest.mark.parametrize("size", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3 * PART_BYTES - 1])
async def test_what_was_stored_is_what_was_sent(shop: Shop, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    upload = await stored(shop, content[:size])
    assert upload.size == size
    assert counts(shop) == (1, -(-size // PART_BYTES))
    assert shop.read(lambda session: uploads.content_of(session, upload.id)) == content[:size]


async def test_a_file_may_be_as_large_as_it_may_and_no_larger(shop: Shop) -> None:
    for extra in (0, 1):
        file = UploadFile(io.BytesIO(b"x" * (PART_BYTES + extra)))  # of a size that nobody knows
        try:
            async with uploads.received(shop.process, file, most_bytes=PART_BYTES) as upload:
                await shop.process.write(uploads.claim, upload.id)
        except uploads.UploadTooLarge as refusal:
            assert (extra, str(PART_BYTES) in str(refusal)) == (1, True)  # noqa: PT017 - of one of both
    await shop.settled()
    assert counts(shop) == (1, 1)


async def test_of_a_file_that_is_known_to_be_too_large_nothing_is_stored(shop: Shop) -> None:
    with pytest.raises(uploads.UploadTooLarge):
        async with uploads.received(shop.process, a_file(b"x" * 11), most_bytes=10):
            pass
    await shop.settled()
    assert (counts(shop), shop.count("runs")) == ((0, 0), 0)


async def test_a_request_that_fails_starts_the_removal_of_what_it_has_stored(shop: Shop) -> None:
    async def request() -> None:
        async with uploads.received(shop.process, a_file(b"x" * 3 * PART_BYTES), most_bytes=PLENTY):
            assert counts(shop) == (1, 3)
            raise Lost

    with pytest.raises(Lost):
        await request()
    assert shop.count("runs") == 1
    await shop.settled()
    assert counts(shop) == (0, 0)


async def test_a_request_that_is_cancelled_starts_it_too(shop: Shop) -> None:
    async def request() -> None:
        async with uploads.received(shop.process, a_file(b"x"), most_bytes=PLENTY):
            has_stored.set()
            await asyncio.Event().wait()

    has_stored = asyncio.Event()
    task = asyncio.create_task(request())
    await has_stored.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await shop.settled()
    assert counts(shop) == (0, 0)


@pytest.mark.parametrize("error", [Lost(), OutcomeUnknown("perhaps")])
async def test_what_a_run_is_answerable_for_survives_the_failure_of_its_request(shop: Shop, error: Exception) -> None:
    async def request() -> None:
        async with uploads.received(shop.process, a_file(b"x"), most_bytes=PLENTY) as upload:
            await shop.process.write(uploads.claim, upload.id)
            raise error

    with pytest.raises(type(error)):
        await request()
    await shop.settled()
    assert counts(shop) == (1, 1)


async def test_what_was_removed_meanwhile_cannot_be_claimed(shop: Shop) -> None:
    async def request() -> None:
        async with uploads.received(shop.process, a_file(b"x"), most_bytes=PLENTY) as upload:
            await shop.process.write(uploads.start_removal, upload.id, only_if_unclaimed=True)
            await shop.settled()
            await shop.process.write(uploads.claim, upload.id)

    with pytest.raises(uploads.UploadGone):
        await request()


async def test_nobody_claims_it_twice(shop: Shop) -> None:
    upload = await stored(shop, b"x")
    with pytest.raises(uploads.UploadGone):
        await shop.process.write(uploads.claim, upload.id)


class Endless(io.RawIOBase):
    """So many bytes, of which none is kept."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        count = min(self._left, size)
        self._left -= count
        return bytes(count)


async def test_of_a_large_file_a_piece_is_in_memory_at_a_time(shop: Shop) -> None:
    large: BinaryIO = Endless(64 * PART_BYTES)  # type: ignore[assignment] # it is only read
    tracemalloc.start()
    try:
        async with uploads.received(shop.process, UploadFile(large), most_bytes=PLENTY) as upload:
            await shop.process.write(uploads.claim, upload.id)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert upload.size == 64 * PART_BYTES
    assert peak < 10 * PART_BYTES
