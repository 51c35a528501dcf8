"""Tables in a database that nobody migrates, and what is missing in one that somebody should have migrated."""

from sqlalchemy import Connection, Engine, Table, inspect
from sqlmodel import SQLModel

from pipelines.journal.dialects import open_for_altering
from pipelines.journal.tables import attempts, interventions, pauses, processes, runs, schedules

OURS = (processes, runs, attempts, pauses, schedules, interventions)


def create_tables(database_url: str) -> None:
    """All tables that have been imported, the journal's and the host's, where they are missing.

    Tables that are there stay as they are, even if they are older.
    """
    engine = open_for_altering(database_url)
    try:
        with engine.connect() as connection:
            if missing := _missing(connection):
                SQLModel.metadata.create_all(connection, tables=missing)
                connection.commit()
    finally:
        engine.dispose()


def _missing(connection: Connection) -> list[Table]:
    """Asked for in one go, which SQLAlchemy would do for each; what has a schema of its own is left to it to find."""
    found = set(inspect(connection).get_table_names())
    return [table for table in SQLModel.metadata.sorted_tables if table.fullname not in found]


def what_is_missing(engine: Engine) -> str | None:
    """Which of the journal's tables or columns this database lacks, and what to do about it."""
    found = {
        name: {column["name"] for column in columns}
        for (_, name), columns in inspect(engine).get_multi_columns().items()
    }
    tables = [table.name for table in OURS if table.name not in found]
    columns = [
        str(each) for table in OURS if table.name in found for each in table.c if each.name not in found[table.name]
    ]
    if not tables and not columns:
        return None
    return (
        f"This database has no {', '.join(tables + columns)}: migrate it, with the journal's tables among yours "
        "(SQLModel.metadata), or for a new one say durable(..., create_tables=True)."
    )
