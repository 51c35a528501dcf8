"""Tables in a database that nobody migrates."""

from sqlmodel import SQLModel

from pipelines.journal.dialects import open_for_writing


def create_tables(database_url: str) -> None:
    """All tables that have been imported, the journal's and the host's, where they are missing.

    Tables that are there stay as they are, even if they are older.
    """
    engine = open_for_writing(database_url)
    try:
        SQLModel.metadata.create_all(engine)
    finally:
        engine.dispose()
