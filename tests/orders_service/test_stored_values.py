"""A newer release works beside this one: whatever values it has written, nobody who looks is answered with a 500."""

import re
from enum import StrEnum

from sqlalchemy import CheckConstraint, text
from sqlmodel import SQLModel

from orders_service import tables  # noqa: F401 - all tables are in the metadata then
from orders_service.stored_values import as_stored
from tests.builders.console import signed_in
from tests.builders.one_of_each import one_of_each
from tests.builders.shop import Shop
from tests.harness import schemas

NOVEL = "novel"
PAGES = ("", "/runs", "/dead-letters", "/schedules", "/jobs/imports", "/jobs/reports", "/webhooks", "/audit")
OF_THE_JOURNAL = {"runs", "attempts", "processes"}  # a new state there is read by one release, and written by the next
_LIST = re.compile(r"^(\w+) IN \(")


class Colour(StrEnum):
    RED = "red"


def lists() -> list[tuple[str, str]]:
    """Every column whose CHECK lists its values."""
    return [
        (table.name, found[1])
        for table in SQLModel.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint) and (found := _LIST.match(str(check.sqltext)))
        if table.name not in OF_THE_JOURNAL
    ]


def test_a_known_value_is_its_member() -> None:
    assert as_stored(Colour, "red") is Colour.RED


def test_an_unknown_one_is_shown_as_it_is_and_equals_none() -> None:
    stranger = as_stored(Colour, "blue")
    assert (str(stranger), stranger.value, isinstance(stranger, Colour)) == ("blue", "blue", True)
    assert stranger not in {*Colour}


async def test_whoever_looks_sees_what_a_newer_release_has_written(corner_shop: Shop, sqlite_url: str) -> None:
    shop = corner_shop
    paths = await one_of_each(shop.api, rest=shop.run_to_the_end)
    visitor = await signed_in(shop)
    assert len(lists()) > 5
    with schemas.connected(sqlite_url) as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for table, column in lists():
            connection.execute(text(f"UPDATE {table} SET {column} = '{NOVEL}'"))  # noqa: S608 - our own tables
    runs = [f"/console/runs/{run.id}" for run in shop.runs()]
    for path in [*paths, *(f"/console{page}" for page in PAGES), *runs]:
        client = visitor.client if path.startswith("/console") else shop.api
        assert (await client.get(path)).status_code in {200, 404, 409}, path
