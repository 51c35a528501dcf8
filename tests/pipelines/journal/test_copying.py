"""Rows from SQLite to PostgreSQL: what fits arrives as it was, and what does not is named before anything is sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum as Words
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Enum,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    insert,
    select,
    text,
)
from sqlmodel import UTCDateTime

from pipelines import NotMoved
from pipelines.journal.copying import copy, examine, set_sequences, stream, tally_of
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.schemas import connected


class Colour(Words):
    RED = "red"
    BLUE = "blue"


metadata = MetaData()  # of its own: what migrations are compared with must not know it
kinds = Table(
    "kinds",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("uuid", Uuid),
    Column("at", UTCDateTime()),
    Column("said", Text),
    Column("short", String(5)),
    Column("json", JSON),
    Column("flag", Boolean),
    Column("tiny", SmallInteger),
    Column("big", BigInteger),
    Column("bytes", LargeBinary),
    Column("colour", Enum(Colour, native_enum=False, create_constraint=False, length=16)),
)

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_integers = st.integers(-(2**63), 2**63 - 1)  # of a larger one that stands alone SQLite makes a fraction when it comes
_json = st.recursive(st.none() | st.booleans() | _integers | _texts, st.lists, max_leaves=5)
ROWS = st.fixed_dictionaries(
    {
        "uuid": st.none() | st.uuids(),
        "at": st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        "said": st.none() | _texts,
        "short": st.none() | _texts.map(lambda said: said[:5]),
        "json": _json,
        "flag": st.none() | st.booleans(),
        "tiny": st.none() | st.integers(-(2**15), 2**15 - 1),
        "big": st.none() | _integers,
        "bytes": st.none() | st.binary(),
        "colour": st.none() | st.sampled_from(Colour),
    }
)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Connection]:
    with connected(f"sqlite:///{tmp_path / 'from.db'}") as connection:
        metadata.create_all(connection)
        connection.commit()
        yield connection


@pytest.fixture
def target(postgres: Postgres) -> Iterator[Connection]:
    with fresh_database(postgres) as url, connected(url) as connection:
        metadata.create_all(connection)
        connection.commit()
        yield connection


def as_read(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(kinds).order_by(kinds.c.id))]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=5))
def test_whatever_fits_arrives_as_it_was(source: Connection, target: Connection, rows: list[dict[str, Any]]) -> None:
    for connection in (source, target):
        connection.rollback()  # what the example before has left
    source.execute(insert(kinds), [{"id": number, **row} for number, row in enumerate(rows, 1)])
    sent = examine(source, kinds)
    copy(target, kinds, stream(source, kinds))
    assert as_read(target) == as_read(source)
    assert tally_of(target, kinds) == sent


@pytest.mark.parametrize(
    ("column", "stored", "said"),
    [
        ("said", "a\0b", "has a NUL character"),
        ("short", "longer than five", "has 16 characters, and there is room for 5"),
        ("said", b"bytes", "is no text but bytes"),
        ("tiny", 40_000, "is a number of more than 16 bits"),
        ("tiny", "many", "is no whole number but str"),
        ("json", '{"a": NaN}', "is no JSON that PostgreSQL takes"),
        ("json", "{", "is no JSON that PostgreSQL takes"),
        ("bytes", "text", "is no bytes but str"),
        ("at", "yesterday", r"is no UTCDateTime\(\)"),
        ("colour", "green", "is no Enum"),
    ],
)
def test_what_does_not_fit_is_named_with_its_row(source: Connection, column: str, stored: object, said: str) -> None:
    source.execute(text("INSERT INTO kinds (id) VALUES (1), (2), (3)"))
    source.execute(text(f"UPDATE kinds SET {column} = :stored WHERE id = 2"), {"stored": stored})  # noqa: S608
    with pytest.raises(NotMoved, match=rf"^The row of kinds with id '2': {column} {said}"):
        examine(source, kinds)


def test_a_text_that_is_not_utf8_is_named_and_not_quoted(source: Connection) -> None:
    source.execute(text("INSERT INTO kinds (id, said) VALUES (1, 'fine'), (2, CAST(x'736563726574ff' AS TEXT))"))
    with pytest.raises(NotMoved, match=r"^The row of kinds with id '2': said is a text that is not UTF-8\.$"):
        examine(source, kinds)


def test_a_number_that_the_database_gives_comes_after_those_that_came(source: Connection, target: Connection) -> None:
    source.execute(insert(kinds), [{"id": 7}, {"id": 41}])
    copy(target, kinds, stream(source, kinds))
    set_sequences(target, kinds)
    assert target.scalar(insert(kinds).values(said="next").returning(kinds.c.id)) == 42


def test_a_difference_in_one_value_is_noticed(source: Connection, target: Connection) -> None:
    ids = [UUID(int=number) for number in range(3)]
    source.execute(insert(kinds), [{"id": number, "uuid": each} for number, each in enumerate(ids, 1)])
    sent = examine(source, kinds)
    copy(target, kinds, stream(source, kinds))
    target.execute(text("UPDATE kinds SET said = '' WHERE id = 2"))
    assert tally_of(target, kinds) != sent
