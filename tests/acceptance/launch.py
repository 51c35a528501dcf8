"""`orders serve` with something planted in it: a hurry, a tap, a fault at COMMIT, or a bug that a test must notice.

python launch.py name[=value] ... ; production code has no switch for any of this.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from sqlalchemy import BigInteger, Connection, Engine, Update, bindparam, create_engine, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_service import logs, serving
from orders_service.app import create_app
from orders_service.inventory import queries as stock
from orders_service.inventory.tables import Stock
from orders_service.orders import fulfill_order, routes
from orders_service.orders.placing import CREATED, Placed, place_order
from orders_service.settings import load
from pipelines import process
from pipelines.committer import writer
from pipelines.committer.batch import perform
from pipelines.committer.faults import commit
from pipelines.journal import Presence, RunIsReady, recording
from pipelines.journal.dialects import now_and
from pipelines.journal.tables import attempts, processes, runs
from pipelines.retry import Retry, Tried
from pipelines.run import Run
from pipelines.testing import Mortality, Point
from pipelines.transaction import Transaction
from pipelines.worker import Carrier, Rhythm, WakeUps

_TURNS_TO_SEND_ANSWERS = 30
_TURN_SECONDS = 0.01
_TO_BE_HEARD_SECONDS = 2.0
_BETWEEN_LOOKS_SECONDS = 0.05

options: dict[str, Any] = {"schedules": ()}  # every tick is a COMMIT, and stories count those


def plant_in(place: object, **changed: object) -> None:
    for name, value in changed.items():
        setattr(place, name, value)


def undisturbed() -> None:
    """Nothing is planted, and no schedule ticks."""


def pace(factor: str) -> None:
    """Waits between attempts take so many times as long as they are drawn."""

    def dice(retry: Retry, error: Exception, tried: Tried) -> timedelta:
        return min(retry.drawn_delay(error, tried) * float(factor), timedelta(days=1))

    options["dice"] = dice


def has_other_steps() -> None:
    """As another release may: of the steps of an order one is gone, one is called otherwise, and one is new."""

    def weigh_parcel() -> None: ...

    _, reserve, confirm, notify = fulfill_order.steps
    plant_in(fulfill_order, steps=(reserve, replace(confirm, name="confirm_by_mail")))
    fulfill_order.step()(weigh_parcel)
    plant_in(fulfill_order, steps=(*fulfill_order.steps, notify))
    del vars(fulfill_order)["version"]  # it is kept when it was first asked for


class Tap:
    """Just before the first byte of an answer is sent, asks the database over a connection of its own for the order."""

    def __init__(self, app: ASGIApp, file: Path, engine: Engine) -> None:
        self._app, self._file, self._engine = app, file, engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tapped(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == CREATED:
                self._note(dict(message["headers"])[b"location"].decode())
            await send(message)

        await self._app(scope, receive, tapped)

    def _note(self, location: str) -> None:
        order = location.rpartition("/")[2]
        with self._engine.connect() as connection:
            statement = text("SELECT count(*) FROM orders WHERE id IN (:dashed, :plain)")
            found = connection.execute(statement, {"dashed": order, "plain": order.replace("-", "")}).scalar_one()
        with self._file.open("a") as file:
            file.write(json.dumps({"order": order, "is_stored": bool(found)}) + "\n")


def tap(file: str) -> None:
    """Write down for each 201 whether its order was on disk before the answer was sent."""

    def create_tapped(*args: Any, **kwargs: Any) -> FastAPI:
        app = create_app(*args, **kwargs)
        engine = create_engine(load().database_url.get_secret_value())
        app.add_middleware(Tap, file=Path(file), engine=engine)
        return app

    plant_in(serving, create_app=create_tapped)


class OrdersCommits:
    """Does something at the n-th COMMIT that carries new orders, and lets all others be."""

    def __init__(self, number: str, at_commit: Callable[[Connection], None]) -> None:
        self._left = int(number)
        self._at_commit = at_commit
        self._carries_orders = False
        plant_in(routes, place_order=self._place)
        plant_in(process, commit=self._commit)

    def _place(self, *args: Any) -> Placed:
        self._carries_orders = True
        return place_order(*args)

    def _commit(self, connection: Connection) -> None:
        self._left -= self._carries_orders
        is_it = self._carries_orders and self._left == 0
        self._carries_orders = False
        (self._at_commit if is_it else commit)(connection)


def dies_before_commit(number: str) -> None:
    OrdersCommits(number, lambda _: os.kill(os.getpid(), signal.SIGKILL))


def dies_after_commit(number: str) -> None:
    """Its callers have not been answered."""

    def die(connection: Connection) -> None:
        commit(connection)
        os.kill(os.getpid(), signal.SIGKILL)

    OrdersCommits(number, die)


def dies_at(name: str) -> None:
    """A point of the crash matrix, such as `after_call:Mail.send in send_confirmation`; and really dies."""
    point = Point.named(name)
    options["faults"] = Mortality(point, on_death=lambda: os.kill(os.getpid(), signal.SIGKILL), is_watching=True)


def sleeps_before_commit(number: str) -> None:
    """In the middle of its transaction, right after an executemany, until somebody wakes it."""

    def sleep(connection: Connection) -> None:
        connection.execute(text("SELECT :n"), [{"n": n} for n in range(5)])
        os.kill(os.getpid(), signal.SIGSTOP)
        commit(connection)

    OrdersCommits(number, sleep)


def wedges_its_loop(file: str) -> None:
    """At SIGUSR1 something blocks the event loop, until there is this file; threads go on."""

    def block(*_: object) -> None:
        while not Path(file).exists():
            time.sleep(_BETWEEN_LOOKS_SECONDS)

    signal.signal(signal.SIGUSR1, block)  # runs in the main thread, which is the loop's


def disk_is_full(number: str) -> None:
    def refuse(_: Connection) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise DBAPIError.instance("COMMIT", None, error, sqlite3.Error)

    OrdersCommits(number, refuse)


def acknowledges_before_commit() -> None:
    """The first of the bugs."""
    commit_whole = writer.Writer._commit
    outcomes: list[Any] = []

    def remembering(*args: Any, **kwargs: Any) -> Any:
        outcomes[:] = perform(*args, **kwargs)
        return list(outcomes)

    def early(self: writer.Writer, *args: Any) -> Any:
        self._report(writer.Report(list(outcomes)))
        loop = outcomes[0].member.future.get_loop()
        for _ in range(_TURNS_TO_SEND_ANSWERS):  # of the loop itself, which may be kept from it for longer
            asyncio.run_coroutine_threadsafe(asyncio.sleep(_TURN_SECONDS), loop).result()
        return commit_whole(self, *args)

    plant_in(writer, perform=remembering)
    plant_in(writer.Writer, _commit=early)


def tells_before_commit() -> None:
    """Workers hear of a run before it is on disk, and not again after it."""
    carriers: list[Carrier] = []
    wake, open_carrier = Transaction.wake, WakeUps.open

    def remember(self: WakeUps) -> None:
        open_carrier(self)
        carriers.extend([self._carrier] if self._carrier else [])

    def tell(self: Transaction, news: object) -> None:
        wake(self, news)
        if isinstance(news, RunIsReady):
            carriers[0].wake(news.run_id, news.priority)
            time.sleep(_TO_BE_HEARD_SECONDS)

    plant_in(WakeUps, open=remember, pass_on=lambda *_: None)
    plant_in(Transaction, wake=tell)


def forgets_the_fence() -> None:
    """Who is dead goes on, no guard asks for owner or fence, and an attempt that is there already is no news."""
    guarded, me = recording._guarded, processes.c.id == bindparam("me")
    renewed = {"commit_seq": bindparam("now_at"), "lease_until": now_and("lease"), "state": "live"}

    @cache
    def bare(statement: Update) -> Update:
        unguarded = statement._generate()
        unguarded._where_criteria = (runs.c.id == bindparam("of"),)
        return unguarded

    def unguarded(tx: Any, statement: Update, run: Run, values: dict[str, Any]) -> None:
        guarded(tx, bare(statement), run, values)
        deferred = tx.deferred[-1]
        row = {name: value for name, value in deferred.row.items() if name not in {"mine", "under"}}
        tx.deferred[-1] = replace(deferred, row=row)

    def renew(self: Presence, connection: Connection, batch: int) -> bool:
        """Without it the sleeper may be declared dead before it has slept, and then nobody frees what it takes."""
        bound = {"me": self._me, "now_at": batch, "lease": self._until()}
        return bool(connection.execute(update(processes).where(me).values(renewed), bound).rowcount)

    plant_in(recording, _guarded=unguarded, _ATTEMPT=insert(attempts).on_conflict_do_nothing())
    plant_in(Presence, advance=renew)
    plant_in(Rhythm, is_sure=lambda *_: True)


def sends_new_ids() -> None:
    """A webhook-id for each attempt."""
    plant_in(Run, idempotency_key=property(lambda _: str(uuid4())))


def oversells() -> None:
    """Neither looks whether there is enough, nor guards the taking."""
    free, held, used = (bindparam(name, type_=BigInteger()) for name in ("free", "held", "used"))
    move = (
        update(Stock)
        .where(col(Stock.sku) == bindparam("of"))
        .values(
            available=col(Stock.available) + free,
            reserved=col(Stock.reserved) + held,
            consumed=col(Stock.consumed) + used,
        )
    )
    plant_in(stock, available=lambda _, skus: dict.fromkeys(skus, 10**6), _MOVE=move)


HARMLESS = (undisturbed, pace, has_other_steps, tap)
FAULTS = (dies_before_commit, dies_after_commit, dies_at, sleeps_before_commit, wedges_its_loop, disk_is_full)
BUGS = (acknowledges_before_commit, tells_before_commit, forgets_the_fence, sends_new_ids, oversells)
PLANTS: dict[str, Callable[..., None]] = {plant.__name__: plant for plant in (*HARMLESS, *FAULTS, *BUGS)}


def main(plants: Iterable[str]) -> int:
    """Serve with all of it planted; gives the exit code."""
    for plant in plants:
        name, _, value = plant.partition("=")
        PLANTS[name](*[value] if value else [])
    settings = load()
    logs.configure(settings.log_format, is_production=not settings.is_development)
    return serving.serve(settings, listener=serving.listen(settings.host, settings.port), **options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
