"""The journal's tables in a database that nobody migrates."""

from sqlmodel import SQLModel

from pipelines.journal import tables
from pipelines.journal.dialects import open_for_writing

_OURS = (tables.processes, tables.runs, tables.attempts, tables.pauses, tables.schedules, tables.interventions)


def make_tables(database_url: str) -> None:
    """Make those that are missing; tables that are there stay as they are, even if they are older."""
    engine = open_for_writing(database_url)
    try:
        SQLModel.metadata.create_all(engine, tables=_OURS)
    finally:
        engine.dispose()
