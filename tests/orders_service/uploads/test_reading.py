"""Uploads are read in pieces, and never taken for shorter than they are."""

import io
import tracemalloc
from uuid import UUID

import pytest

from orders_service import uploads
from orders_service.ids import new_id
from orders_service.uploads import queries
from orders_service.uploads.receiving import PART_BYTES
from pipelines import Transaction
from tests.builders.shop import Shop


async def put(shop: Shop, *parts: bytes) -> UUID:
    def store(tx: Transaction) -> None:
        queries.add(tx, upload_id, tx.home.clock.now())
        for place, part in enumerate(parts):
            queries.add_part(tx, upload_id, place, part)

    upload_id = new_id()
    await shop.process.write(store)
    return upload_id


async def test_lines_are_read_across_the_borders_of_pieces(shop: Shop) -> None:
    upload_id = await put(shop, b"one\ntw", b"o\n", b"thr", b"ee")
    lines = shop.read(lambda session: list(io.BufferedReader(uploads.UploadReader(session, upload_id))))
    assert lines == [b"one\n", b"two\n", b"three"]


async def test_a_reader_gives_all_of_a_large_file_and_keeps_a_piece_of_it(shop: Shop) -> None:
    pieces = [bytes([number]) * PART_BYTES for number in range(24)]
    upload_id = await put(shop, *pieces)
    counted = 0
    tracemalloc.start()
    try:
        with shop.reading() as session:
            reader = io.BufferedReader(uploads.UploadReader(session, upload_id))
            for number in range(24):
                piece = reader.read(PART_BYTES)
                assert piece == pieces[number]
                counted += len(piece)
            assert reader.read() == b""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted == 24 * PART_BYTES
    assert peak < 12 * PART_BYTES


async def test_an_empty_file_is_empty_and_not_gone(shop: Shop) -> None:
    upload_id = await put(shop)
    assert shop.read(lambda session: uploads.content_of(session, upload_id)) == b""
    assert shop.read(lambda session: uploads.UploadReader(session, upload_id).read()) == b""


async def test_what_was_never_there_is_gone(shop: Shop) -> None:
    with pytest.raises(uploads.UploadGone):
        shop.read(lambda session: uploads.content_of(session, new_id()))
    with pytest.raises(uploads.UploadGone):
        shop.read(lambda session: io.BufferedReader(uploads.UploadReader(session, new_id())).readline())


async def test_what_goes_while_it_is_read_is_not_taken_for_a_shorter_file(shop: Shop) -> None:
    upload_id = await put(shop, b"a" * 10, b"b" * 10)
    with shop.reading() as session:
        reader = uploads.UploadReader(session, upload_id)
        assert reader.read(10) == b"a" * 10
        session.rollback()  # on to what is there now
        await shop.process.write(uploads.start_removal, upload_id)
        await shop.settled()
        with pytest.raises(uploads.UploadGone):
            reader.read(10)
