"""Two databases are compared by what both can have in common."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, Uuid, insert

from pipelines.journal import open_for_reading, open_for_writing
from pipelines.testing import contents, fresh_file
from pipelines.testing.contents import Contents, volatile
from pipelines.transaction import ReadSession

metadata = MetaData()
letters = Table(
    "letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", Uuid),
    Column("at", DateTime),
    Column("text", String(50)),
    Column("seal", String(50)),
)


def database_with(*texts: str, first_id: int = 1) -> Contents:
    with fresh_file() as url:
        writing, reading = open_for_writing(url), open_for_reading(url)
        metadata.create_all(writing)
        rows = [
            {"id": place, "uuid": uuid4(), "at": datetime.now(UTC), "text": text, "seal": str(uuid4())}
            for place, text in enumerate(texts, start=first_id)
        ]
        with writing.begin() as connection:
            connection.execute(insert(letters), rows)
        with ReadSession(reading) as session:
            found = contents(session)
        writing.dispose()
        reading.dispose()
        return found


def test_ids_and_times_are_not_compared_and_neither_is_what_differs_anyway() -> None:
    one, other, later = database_with("a", "b"), database_with("a", "b"), database_with("b", "a", first_id=7)
    steady = volatile(one, other)
    assert steady == {("letters", "seal"), ("letters", "uuid")}  # SQLite keeps an UUID as a text
    assert one.without(steady) == later.without(steady)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("a", "b", "b"), "letters: 3 rows, and only here text='b'"),
        (("a",), "letters: 1 row"),
        (("a", "c"), "letters: 2 rows, and only here text='c'"),
    ],
)
def test_a_difference_is_told_by_table_and_row(texts: tuple[str, ...], said: str) -> None:
    dropped = [("letters", "seal"), ("letters", "uuid")]
    expected, found = database_with("a", "b").without(dropped), database_with(*texts).without(dropped)
    assert expected != found
    assert found.told_against(expected) == [said]
