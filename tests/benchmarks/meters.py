"""What PostgreSQL has counted: rows written, WAL, COMMITs, and what is left on its disk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import psycopg
from psycopg.rows import dict_row

_TABLES = """
SELECT relname AS name, n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_hot_upd AS hot, n_tup_del AS deleted,
       coalesce(idx_scan, 0) + seq_scan AS scans, coalesce(idx_tup_fetch, 0) + seq_tup_read AS read,
       pg_table_size(relid) AS table_bytes, pg_indexes_size(relid) AS index_bytes
FROM pg_stat_user_tables
"""
_SERVER = """
SELECT pg_current_wal_insert_lsn() - '0/0' AS wal_bytes, wal_records AS records, wal_fpi AS full_pages,
       (SELECT coalesce(sum(commit_seq), 0) FROM processes) AS commits,
       xact_commit + xact_rollback AS transactions, blks_read AS blocks_read
FROM pg_stat_wal, pg_stat_database WHERE datname = current_database()
"""
_IN_HAND = "SELECT count(*) FROM runs WHERE owner IS NOT NULL"  # by a partial index that holds nothing else
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Rows:
    """One table: rows that were written since the server keeps count, and the bytes that it takes now."""

    inserted: int
    updated: int
    hot: int
    deleted: int
    scans: int
    read: int
    table_bytes: int
    index_bytes: int

    @property
    def written(self) -> int:
        return self.inserted + self.updated + self.deleted

    def __sub__(self, before: "Rows") -> "Rows":
        return Rows(*(getattr(self, each.name) - getattr(before, each.name) for each in fields(self)))


@dataclass(frozen=True)
class Meters:
    """The whole database. `commits` are those that wrote, as the journal counts them; `transactions` all of them."""

    wal_bytes: int
    records: int
    full_pages: int
    commits: int
    transactions: int
    blocks_read: int
    tables: Mapping[str, Rows]

    def __sub__(self, before: "Meters") -> "Meters":
        totals = {name: value - getattr(before, name) for name, value in vars(self).items() if name != "tables"}
        return Meters(**totals, tables={name: rows - before.tables[name] for name, rows in self.tables.items()})


def read(url: str) -> Meters:
    """Rows are counted when a connection ends, or is idle for seconds: let the service end first."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        [server] = connection.execute(_SERVER).fetchall()
        rows = {row.pop("name"): Rows(**row) for row in connection.execute(_TABLES).fetchall()}
    return Meters(**{name: int(value) for name, value in server.items()}, tables=rows)


def in_hand(url: str) -> int:
    """How many runs some process has in hand."""
    with psycopg.connect(url, options="-c enable_seqscan=off") as connection:
        return int(connection.execute(_IN_HAND).fetchall()[0][0])


def others(url: str) -> int:
    """How many connections there are besides the one that asks."""
    with psycopg.connect(url) as connection:
        return int(connection.execute(_OTHERS).fetchall()[0][0])


def order(url: str, statements: Iterable[str]) -> None:
    """Maintenance, outside any transaction: CHECKPOINT, VACUUM."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
