"""The schema of a test's database, as Alembic and as the database itself see it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from orders_service import tables
from pipelines.journal import open_for_writing

# In one go; the audit refuses to have rows deleted.
_EMPTIED = "; ".join(
    f"TRUNCATE {table}" if table.name == "audit_entries" else f"DELETE FROM {table}"  # noqa: S608 - our own tables
    for table in reversed(tables.runs.metadata.sorted_tables)
).encode()
_PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def config() -> Config:
    """Alembic's, as its own command line would read it; what it prints is kept."""
    return Config(toml_file=str(_PYPROJECT), output_buffer=io.StringIO(), stdout=io.StringIO())


def revisions() -> list[str]:
    """Oldest first."""
    script = ScriptDirectory.from_config(config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


@contextmanager
def connected(database_url: str) -> Iterator[Connection]:
    engine = open_for_writing(database_url)
    try:
        with engine.connect() as connection:
            yield connection
            connection.commit()
    finally:
        engine.dispose()


def table_names(database_url: str) -> set[str]:
    """Without Alembic's own."""
    with connected(database_url) as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def shape(database_url: str) -> set[str]:
    """The names of its tables and indexes."""
    with connected(database_url) as connection:
        found = inspect(connection)
        tables = set(found.get_table_names()) - {"alembic_version"}
        return tables | {str(index["name"]) for table in tables for index in found.get_indexes(table)}


def check(database_url: str) -> None:
    """Raise what Alembic finds to be different between the models and the database."""
    with connected(database_url) as connection:
        asked = config()
        asked.attributes["connection"] = connection
        command.check(asked)


def rendered(to: str = "head") -> str:
    """The statements, for a database administrator who runs them by hand."""
    asked = config()
    command.upgrade(asked, to, sql=True)
    assert isinstance(asked.output_buffer, io.StringIO)
    return asked.output_buffer.getvalue()


class Emptying:
    """Deletes all rows of a PostgreSQL, and leaves the schema: quicker than a database for each test.

    It keeps its connection, since a new one has to read the catalog first; whoever ends all of them ends it too.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection = psycopg.connect(database_url, autocommit=True)

    def empty(self) -> None:
        try:
            self._connection.execute(_EMPTIED)
        except psycopg.OperationalError:
            self._connection = psycopg.connect(self._url, autocommit=True)
            self._connection.execute(_EMPTIED)

    def close(self) -> None:
        self._connection.close()


def constraints(connection: Connection) -> list[str | None]:
    """The names of all constraints; None for one that has none."""
    found = inspect(connection)
    names: list[str | None] = []
    for table in found.get_table_names():
        names.append(found.get_pk_constraint(table)["name"])
        names += [each["name"] for each in found.get_foreign_keys(table)]
        names += [each["name"] for each in found.get_unique_constraints(table)]
        names += [each["name"] for each in found.get_check_constraints(table)]
    return names
