"""The gate before a deploy: what it says, whichever schema it finds, and that it does no harm."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from orders_service import schema
from orders_service.orders import fulfill_order
from orders_service.preflight import Findings, as_json, as_text, examine
from orders_service.settings import Settings
from pipelines import JournalTooOld
from tests.builders.standing_runs import stand
from tests.harness import schemas

LAST, BEFORE_IT, FIRST = schemas.revisions()[-1], schemas.revisions()[-2], schemas.revisions()[0]


def look(url: str, *, most_read: int = 10) -> Findings:
    return examine(Settings(database_url=SecretStr(url)), most_read=most_read)


def ready(url: str, payload: str = "{}") -> None:
    """A run of this release, of which nobody but who reads its input knows whether it can be carried on."""
    step = fulfill_order.first_step.name
    stand(url, pipeline=fulfill_order.name, step=step, version=fulfill_order.version, payload=payload)


@contextmanager
def who_only_reads(url: str) -> Iterator[str]:
    role, password = f"reader_{uuid4().hex}", uuid4().hex
    with schemas.connected(url) as owner:
        owner.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
        owner.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    try:
        yield make_url(url).set(username=role, password=password).render_as_string(hide_password=False)
    finally:
        with schemas.connected(url) as owner:
            owner.execute(text(f"DROP OWNED BY {role}"))
            owner.execute(text(f"DROP ROLE {role}"))


def test_a_run_whose_input_cannot_be_read_is_no_small_thing(sqlite_url: str) -> None:
    ready(sqlite_url)
    found = look(sqlite_url)
    assert not found.is_well
    assert "of 1 tried, cannot be read (ValidationError)" in as_text(found)


def test_who_may_only_read_may_look(postgres_url: str) -> None:
    stand(postgres_url, pipeline="old-pipeline", step="reserve")
    with who_only_reads(postgres_url) as url:
        assert [trouble.pipeline for trouble in look(url).report.troubles] == ["old-pipeline"]


def test_it_looks_before_the_migration(database_url: str) -> None:
    schema.migrate(database_url, to=BEFORE_IT)
    stand(database_url, pipeline="old-pipeline", step="reserve")
    found = look(database_url)
    assert found.schema.stands == "older"
    assert as_text(found).splitlines() == [
        "1 run of old-pipeline, which this code does not have.",
        f"The database is revision {BEFORE_IT}, and this release needs {LAST}. Before it starts, run: orders migrate",
    ]


def test_a_schema_that_is_too_old_to_be_read_is_told_from_one_that_is_broken(database_url: str) -> None:
    schema.migrate(database_url, to=FIRST)
    with pytest.raises(JournalTooOld, match=f"revision {FIRST}, and this release needs {LAST}: too old to be read"):
        look(database_url)


def test_a_newer_schema_is_told_before_a_rollback(sqlite_url: str) -> None:
    with schemas.connected(sqlite_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'next'"))
    found = look(sqlite_url)
    assert (found.is_well, found.schema.stands) == (True, "newer")
    assert f"is revision next, which is newer than this release, whose schema is {LAST}" in as_text(found)


def test_paused_pipelines_are_told_since_their_runs_do_not_end(sqlite_url: str) -> None:
    with schemas.connected(sqlite_url) as connection:
        connection.execute(
            text(
                "INSERT INTO pipeline_pauses (pipeline, paused_at, paused_by, reason) "
                "VALUES ('fulfill-order', '2026-11-28 12:00:00.000000', 'ada', 'moving\x1b[2J house')"
            )
        )
    assert as_text(look(sqlite_url)).splitlines()[-1] == (
        "fulfill-order is paused since 2026-11-28 12:00 UTC by ada (moving\\x1b[2J house): its runs stay open."
    )


def test_programs_are_told_all_of_it(sqlite_url: str) -> None:
    said = json.loads(as_json(look(sqlite_url)))
    assert (said["ok"], said["runs"], said["troubles"], said["paused"]) == (True, 0, [], [])
    assert said["schema"] == {"stands": "equal", "have": LAST, "need": LAST}


def test_it_waits_for_nobody_for_long(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as somebody:  # without the limits of the service, which would let go of it
        somebody.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="timeout"):
            look(postgres_url)
