"""How PostgreSQL is reached: what its connections are told, where a pooler stands between, and which server will do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect

from pipelines.errors import NoSession, WiringError

_POOLED = "pgbouncer"  # in the URL, as in those of other tools: `?pgbouncer=true`
_YES, _NO = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
_SINCE_17 = (17,)  # transaction_timeout; an older server does not know the name

# No hung backend may hold a row for longer than a lease lasts.
_LIMITS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "synchronous_commit": "on",
    "client_min_messages": "warning",  # a COMMIT that no standby has confirmed is told in one
}
# A client that vanished with its machine holds its locks until the server looks for it: by itself after two hours.
_LOOK_FOR_US = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "connect_timeout": 3}


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What a connection is for: the settings it works under, and the server that it accepts."""

    settings: Mapping[str, str] = field(default_factory=dict)
    transactions: str | None = None  # their longest life
    target: str
    takes_long: bool = False
    takes_session: bool = False

    def in_transaction(self, dialect: Dialect) -> str:
        """The same for one transaction alone, in one message."""
        told = {name.removeprefix("default_"): value for name, value in self.settings.items()}
        if self.transactions is not None and (dialect.server_version_info or ()) >= _SINCE_17:
            told["transaction_timeout"] = self.transactions
        return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in told.items())


# The committer finds its rows by key. A plan that was made while the tables were empty would scan them for as long as
# the connection lives. The `executemany` of psycopg ends with a message that puts `idle_in_transaction_session_timeout`
# to sleep: a process that is paused after it would hold its locks for ever, its own row among them, so that nobody
# could declare it dead. Hence the limit for transactions.
WRITING = Manner(settings=_LIMITS | {"enable_seqscan": "off"}, transactions="5s", target="read-write")
# `primary`, since a session that may not write is none of `read-write`; a standby would show yesterday.
READING = Manner(settings=_LIMITS | {"default_transaction_read_only": "on"}, target="primary")
# For what is longer than a transaction of ours may be. Everybody who wants the table waits behind whoever waits for it.
ALTERING = Manner(
    settings=_LIMITS | {"lock_timeout": "5s", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"},
    transactions="0",
    target="read-write",
    takes_long=True,
    takes_session=True,
)
RECEIVING = replace(ALTERING, takes_session=False)  # a whole journal, in one transaction

_SEVERAL_HOSTS = re.compile(r"(postgres\w*(?:\+\w+)?://(?:[^@/?]*@)?)([^@/?]*,[^@/?]*)((?:[/?].*)?)", re.DOTALL)


def spread_hosts(url: str) -> str:
    """A URL that names several hosts as libpq has it, in SQLAlchemy's words."""
    if (found := _SEVERAL_HOSTS.fullmatch(url)) is None:
        return url
    before, hosts, after = found.groups()
    listed = "&".join(f"host={host}" for host in hosts.split(","))
    return f"{before}{after}{'&' if '?' in after else '?'}{listed}"


def is_behind_pooler(url: URL) -> bool:
    """Whether it says so. Raises `WiringError` if it says neither yes nor no."""
    said = str(url.query.get(_POOLED, "false")).lower()
    if said not in _YES | _NO:
        raise WiringError(f"The database's URL says {_POOLED} and neither true nor false.")
    return said in _YES


def open_postgres(url: URL, manner: Manner, **pool: Any) -> Engine:
    """An engine whose connections hang up on a silent server. Raises `NoSession` where it needs one and has none.

    With `?pgbouncer=true` in the URL nothing outlives its transaction: each is told its settings with its BEGIN, in the
    same message, and no statement is prepared.
    """
    is_pooled, url = is_behind_pooler(url), url.difference_update_query([_POOLED])
    if not is_pooled:
        engine = create_engine(url, connect_args=_at_start(url, manner), **pool)
        event.listen(engine, "connect", _Session(manner).begin)
    elif manner.takes_session:
        raise NoSession(
            "A schema is not changed through PgBouncer: it takes a session, for the lock that keeps two migrations "
            "apart. Give this command the address of PostgreSQL itself, without ?pgbouncer=true."
        )
    else:
        connect_args = {**_unless_said(url), "prepare_threshold": None}
        engine = create_engine(url, connect_args=connect_args, isolation_level="AUTOCOMMIT", **pool)
        event.listen(engine, "begin", _Transactions(manner).begin)
    event.listen(engine, "do_connect", _Calls(is_patient=not manner.takes_long).connect)
    return engine


def _at_start(url: URL, manner: Manner) -> dict[str, Any]:
    ours = " ".join(f"-c {name}={value}" for name, value in {**_LOOK_FOR_US, **manner.settings}.items())
    theirs = url.query.get("options", "")
    return {**_unless_said(url), "options": f"{theirs} {ours}".strip(), "target_session_attrs": manner.target}


def _unless_said(url: URL) -> dict[str, Any]:
    usual = {"application_name": "pipelines", **_KEEPALIVE}
    return {name: value for name, value in usual.items() if name not in url.query}


class _Calls:
    """Connects, and says what a pooler's refusal means."""

    def __init__(self, *, is_patient: bool) -> None:
        self._is_patient = is_patient

    def connect(self, dialect: Dialect, _: object, args: Any, params: Any) -> DBAPIConnection:
        import psycopg  # noqa: PLC0415 - the driver is an extra

        from pipelines.journal.patience import PatientConnection  # noqa: PLC0415 - it too

        kind = PatientConnection if self._is_patient else psycopg.Connection
        try:
            connection: Any = kind.connect(*args, **params)
        except dialect.loaded_dbapi.Error as error:
            if "unsupported startup parameter" in str(error):  # nothing else tells: a refusal to connect has no code
                raise _not_in_a_session() from error
            raise
        return connection  # type: ignore[no-any-return] # a driver's connection is whatever the driver says


# An older server does not know the name, and a session that is not ours is not told anything.
_IS_TOLD = """
SELECT told, CASE WHEN told = '{told}' AND {limit} IS NOT NULL AND current_setting('transaction_timeout', true) <> ''
                  THEN set_config('transaction_timeout', {limit}, false) END
  FROM current_setting('lock_timeout') AS told
"""


class _Session:
    """A connection that is one session with one backend: told once."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def begin(self, connection: DBAPIConnection, _: object) -> None:
        """See that it knows what it was told; and limit its transactions, where the server can."""
        try:
            self._tell(connection)
        except BaseException:
            connection.close()  # the pool does not have it yet
            raise

    def _tell(self, connection: DBAPIConnection) -> None:
        cursor = connection.cursor()
        told = self._manner.settings["lock_timeout"]
        limit = "NULL" if self._manner.transactions is None else f"'{self._manner.transactions}'"
        cursor.execute(_IS_TOLD.format(told=told, limit=limit))
        [found, _] = cursor.fetchone() or [None, None]
        if found != told:
            raise _not_in_a_session()
        cursor.close()
        connection.commit()


class _Transactions:
    """Connections of which a pooler makes what it likes between two transactions."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def begin(self, connection: Connection) -> None:
        told = self._manner.in_transaction(connection.dialect)
        driver: Any = connection.connection.driver_connection
        if driver.autocommit:  # otherwise the transaction has an isolation level of its own, and the driver begins it
            told = f"BEGIN; {told}"
        several = {"no_parameters": True}  # else the driver would have each statement sent alone
        connection.exec_driver_sql(told, execution_options=several)


def _not_in_a_session() -> NoSession:
    return NoSession(
        "This is no session of PostgreSQL: a pooler stands between, and does not hand on what a connection is told. "
        "Say ?pgbouncer=true at the end of the database's URL."
    )
