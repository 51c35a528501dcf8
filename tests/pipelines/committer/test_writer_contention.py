"""Two processes, or a stranger, write the same rows at once: nobody deadlocks, oversells or pays for somebody else."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
from sqlalchemy import insert, select, text
from sqlmodel import col

from pipelines import Transaction, Unavailable
from tests.builders.desk import Desk, Member, Note, Shelf, SoldOut, adding, from_outside, open_desk, stock, taking

SKUS = [f"sku-{number}" for number in range(20)]
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"


@pytest.fixture
def shared_url(postgres_url: str) -> str:
    """A database that several processes use, with plenty on its shelf."""
    stock(postgres_url, dict.fromkeys(SKUS, 10_000))
    return postgres_url


@asynccontextmanager
async def open_desks(database_url: str) -> AsyncIterator[list[Desk]]:
    """As many processes as the database takes."""
    async with AsyncExitStack() as stack:
        count = 2 if database_url.startswith("postgresql") else 1
        yield [await stack.enter_async_context(open_desk(database_url)) for _ in range(count)]


async def test_a_thousand_callers_for_a_hundred_units_get_exactly_a_hundred(tables_url: str) -> None:
    stock(tables_url, {"lamp": 100})
    async with open_desks(tables_url) as desks:
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


async def test_a_member_that_asks_for_a_row_a_stranger_holds_is_told_so(shared_url: str) -> None:
    def ask(tx: Transaction) -> None:
        tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        tx.execute(select(Shelf).where(col(Shelf.sku) == SKUS[7]).with_for_update())

    async with open_desk(shared_url) as desk:
        with psycopg.connect(shared_url) as stranger:
            stranger.execute("SELECT * FROM shelf WHERE sku = %s FOR UPDATE", [SKUS[7]])
            before, waiting, after = await desk.in_one_batch(adding(1), ask, adding(2))
        assert (before, after) == (1, 2)
        assert isinstance(waiting, Unavailable)
        assert desk.batches == [2]


async def test_the_victim_of_a_deadlock_is_sent_once_more(shared_url: str) -> None:
    calls: list[int] = []

    def take_both(tx: Transaction) -> None:
        calls.append(1)
        taking(SKUS[0], SKUS[1])(tx)

    async with open_desk(shared_url) as desk:
        with psycopg.connect(shared_url) as stranger, psycopg.connect(shared_url, autocommit=True) as observer:
            stranger.execute("SET deadlock_timeout = '10s'")  # so that the batch is the one to notice it
            stranger.execute("UPDATE shelf SET available = 1 WHERE sku = %s", [SKUS[1]])
            writing = asyncio.create_task(desk.process.write(take_both))
            while not observer.execute(WAITING).fetchone():  # noqa: ASYNC110 - nobody tells what the server waits for
                await asyncio.sleep(0)
            await asyncio.to_thread(stranger.execute, "UPDATE shelf SET available = 1 WHERE sku = %s", [SKUS[0]])
        await writing
        assert len(calls) == 2
        assert [desk.available(sku) for sku in SKUS[:2]] == [0, 0]


async def test_a_member_that_was_overtaken_between_its_look_and_its_write_looks_again(shared_url: str) -> None:
    def once(tx: Transaction) -> str:
        if found := tx.get(Note, 1):
            return found.text
        from_outside(shared_url, lambda other: other.execute(insert(Note).values(id=1, text="theirs")))
        tx.add(Note(id=1, text="ours"))
        return "ours"

    async with open_desk(shared_url) as desk:
        assert await desk.process.write(once) == "theirs"


async def test_of_equal_keys_on_two_processes_one_is_stored_and_all_others_find_it(tables_url: str) -> None:
    def once(tx: Transaction, by: int) -> str:
        if found := tx.get(Note, 1):
            return found.text
        tx.add(Note(id=1, text=str(by)))
        return str(by)

    async with open_desks(tables_url) as desks:
        writes = [desks[number % len(desks)].process.write(once, number) for number in range(100)]
        answers = await asyncio.gather(*writes)
        assert len(set(answers)) == 1
        assert desks[0].notes() == [1]
