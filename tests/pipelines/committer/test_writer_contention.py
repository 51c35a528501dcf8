"""Two processes, or a stranger, write the same rows at once: nobody deadlocks, oversells or pays for somebody else."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from pipelines import Transaction, Unavailable
from tests.builders.desk import Desk, Member, Note, SoldOut, make_tables, open_desk, taking
from tests.harness.postgres import Postgres, fresh_database

SKUS = [f"sku-{number}" for number in range(20)]


@pytest.fixture
def shared_url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url:
        make_tables(url, dict.fromkeys(SKUS, 10_000))
        yield url


@asynccontextmanager
async def open_desks(database_url: str) -> AsyncIterator[list[Desk]]:
    """As many processes as the database takes."""
    async with AsyncExitStack() as stack:
        count = 2 if database_url.startswith("postgresql") else 1
        yield [await stack.enter_async_context(open_desk(database_url)) for _ in range(count)]


async def test_a_thousand_callers_for_a_hundred_units_get_exactly_a_hundred(database_url: str) -> None:
    make_tables(database_url, {"lamp": 100})
    async with open_desks(database_url) as desks:
        writes = [desks[number % len(desks)].process.write(taking("lamp", as_number=number)) for number in range(1000)]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        served = [answer for answer in answers if isinstance(answer, int)]
        assert len(served) == 100
        assert Counter(map(type, answers)) == {int: 100, SoldOut: 900}
        assert desks[0].available("lamp") == 0
        assert desks[0].notes() == served


async def test_two_processes_that_want_the_same_rows_in_opposite_order_never_deadlock(shared_url: str) -> None:
    calls: Counter[str] = Counter()

    def counted(name: str, skus: list[str]) -> Member:
        take = taking(*skus)

        def count(tx: Transaction) -> None:
            calls[name] += 1
            take(tx)

        return count

    async with open_desks(shared_url) as (one, other):
        for _ in range(20):
            await asyncio.gather(
                one.in_one_batch(*(counted("one", [sku]) for sku in SKUS)),
                other.in_one_batch(*(counted("other", [sku]) for sku in reversed(SKUS))),
            )
        assert calls == {"one": 400, "other": 400}  # a deadlock would have had a batch called again
        assert [one.available(sku) for sku in SKUS] == [10_000 - 40] * 20


async def test_only_those_wait_in_vain_whose_row_a_stranger_holds(shared_url: str) -> None:
    async with open_desk(shared_url) as desk:
        with psycopg.connect(shared_url) as stranger:
            stranger.execute("SELECT * FROM shelf WHERE sku = %s FOR UPDATE", [SKUS[7]])
            members = [taking(SKUS[number % 20], as_number=number) for number in range(40)]
            answers = await desk.in_one_batch(*members)
        refused = {number for number, answer in enumerate(answers) if isinstance(answer, Unavailable)}
        assert refused == {7, 27}
        assert set(desk.notes()) == set(range(40)) - refused
        assert desk.batches == [38]


async def test_of_equal_keys_on_two_processes_one_is_stored_and_all_others_find_it(database_url: str) -> None:
    def once(tx: Transaction, by: int) -> str:
        if found := tx.get(Note, 1):
            return found.text
        tx.add(Note(id=1, text=str(by)))
        return str(by)

    make_tables(database_url)
    async with open_desks(database_url) as desks:
        writes = [desks[number % len(desks)].process.write(once, number) for number in range(100)]
        answers = await asyncio.gather(*writes)
        assert len(set(answers)) == 1
        assert desks[0].notes() == [1]
