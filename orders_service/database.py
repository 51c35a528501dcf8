"""The service's side of the database: one metadata with named constraints, and sessions for reading."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import SQLModel

from pipelines import Process, ReadSession

# Before the first table: SQLite's batch mode cannot drop a constraint that has no name.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def process_of(request: Request) -> Process:
    """The process that serves this request. Called, not depended on: FastAPI charges every request for each."""
    process: Process = request.state.process
    return process


def _reading(request: Request) -> Iterator[ReadSession]:
    with ReadSession(process_of(request).readers) as session:
        yield session


# Function scope: the connection goes back before the answer is sent, so that a slow client holds none.
Reading = Annotated[ReadSession, Depends(_reading, scope="function", max_concurrency=4)]


def hold_still(session: ReadSession) -> None:
    """From here on the session sees one moment of the database, whatever is written meanwhile."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("BEGIN")  # a reader's connection begins no transaction by itself
    else:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
