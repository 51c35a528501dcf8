"""Alembic's entry: one path for SQLite and PostgreSQL. `orders migrate` hands the connection in."""

from typing import Any

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from orders_service import tables
from orders_service.settings import load
from pipelines.journal import open_for_altering


def is_compared(found: Any, name: str | None, kind: str, *_: object) -> bool:
    """What is retired differs from the models, and should."""
    return (f"{found.table.name}.{name}" if kind == "column" else name) not in tables.RETIRED


def run(connection: Connection) -> None:
    """One transaction for all revisions on SQLite, one for each on PostgreSQL."""
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=is_sqlite,  # SQLite alters a table by copying it
        compare_type=True,
        include_object=is_compared,
        transaction_per_migration=not is_sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(
        url=context.get_x_argument(as_dictionary=True).get("url", "postgresql://"),
        target_metadata=SQLModel.metadata,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()
elif (handed_in := context.config.attributes.get("connection")) is not None:
    run(handed_in)
else:
    with open_for_altering(load().database_url.get_secret_value()).connect() as own:
        run(own)
        own.commit()
