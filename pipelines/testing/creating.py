"""Tables for tests: an SQLite file is made once, and copied from then on, which is quicker by far."""

from collections.abc import Hashable
from pathlib import Path

from sqlalchemy import make_url
from sqlmodel import SQLModel

from pipelines import journal

_made: dict[Hashable, bytes] = {}


def create_tables(database_url: str) -> None:
    """All tables that have been imported, the journal's and the host's, where they are missing."""
    file = _file_to_be(database_url)
    known = tuple((table, len(table.columns), len(table.indexes)) for table in SQLModel.metadata.tables.values())
    if file is not None and known in _made:
        file.write_bytes(_made[known])
        return
    journal.create_tables(database_url)
    if file is not None:  # nobody else has opened it, so all of it is in this one file
        _made[known] = file.read_bytes()


def _file_to_be(database_url: str) -> Path | None:
    """The file that SQLite would make now."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.query or url.database.startswith(":"):
        return None
    file = Path(url.database)
    return None if file.exists() else file
