"""A PostgreSQL database for one test after another: emptied in between, and thrown away if it is not what it was."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.harness.kept_connections import Shelf
from tests.harness.postgres import Postgres, fresh_database

_ALONE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
   AND pid <> ALL (%s)
"""
# To truncate is to make new files, which takes longer than to delete a few rows. What refers to a table is younger.
_EMPTY = """
DO $$
DECLARE name regclass; large text;
BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid DESC
  LOOP
    IF pg_relation_size(name) > 65536 THEN large := concat_ws(', ', large, name);
    ELSIF pg_relation_size(name) > 0 THEN EXECUTE format('DELETE FROM %s', name);
    END IF;
  END LOOP;
  IF large IS NOT NULL THEN EXECUTE format('TRUNCATE %s CASCADE', large); END IF;
  PERFORM setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
  PERFORM pg_stat_reset();
END $$
"""
# Columns, indexes, constraints and triggers; and whether the planner has been told anything.
_SHAPE = """
SELECT md5(string_agg(found, ' ' ORDER BY found)) FROM (
  SELECT concat_ws(' ', attrelid, attname, atttypid, attnotnull, attisdropped) AS found
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
   WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'v', 'S')
  UNION ALL SELECT concat_ws(' ', oid, conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', oid, tgname) FROM pg_trigger
  UNION ALL SELECT concat_ws(' ', starelid, staattnum) FROM pg_statistic
    JOIN pg_class ON pg_class.oid = starelid WHERE relnamespace = 'public'::regnamespace
) AS everything
"""


class Recycled:
    """A new database costs a server more than most tests: its files, and the catalog that each connection reads."""

    def __init__(self, server: Postgres, shelf: Shelf, make_tables: Callable[[str], object]) -> None:
        self._server = server
        self._shelf = shelf
        self._make_tables = make_tables
        self._made = ExitStack()
        self._shape: object = None
        self._url: str | None = None

    @contextmanager
    def lent(self) -> Iterator[str]:
        """One with tables and without rows, which nobody else knows meanwhile."""
        url, self._url = self._url or self._new(), None
        yield url
        if self._emptied() == self._shape:
            self._url = url
        else:
            self._made.close()

    def close(self) -> None:
        self._made.close()

    def _new(self) -> str:
        self._made.close()  # a test that failed may have left one behind
        url = self._made.enter_context(fresh_database(self._server))
        self._make_tables(url)
        self._connection = self._made.enter_context(psycopg.connect(url, autocommit=True))
        self._shape = self._emptied()
        return url

    def _emptied(self) -> object:
        self._connection.execute(_ALONE, [self._shelf.pids()])
        self._connection.execute(_EMPTY)
        return self._connection.execute(_SHAPE).fetchone()
