"""A Celery worker with something planted in it: a bug that a test must notice, or an ear that hears messages only.

python launch_celery.py name ... -- arguments of celery; production code has no switch for any of this.
"""

import sys
from collections.abc import Callable
from typing import Any

from celery.bin.celery import main as celery
from sqlalchemy import bindparam, update

from pipelines.journal import claiming
from pipelines.journal.tables import runs
from pipelines.run import RunState
from pipelines.worker import Sweep


def plant_in(place: object, **changed: object) -> None:
    for name, value in changed.items():
        setattr(place, name, value)


def never_sweeps() -> None:
    """It renews its lease, and hears of due runs by messages alone."""

    async def look_nowhere(_: Sweep) -> None:
        pass

    plant_in(Sweep, _look_around=look_nowhere)


def takes_what_is_owned() -> None:
    """A bug: whoever is named is taken, as long as it has not ended."""
    named = runs.c.id.in_(bindparam("named", expanding=True))
    is_open = runs.c.state.in_((RunState.READY, RunState.RUNNING))
    take = update(runs).where(named, is_open).values(claiming.TAKEN).returning(*runs.c)

    def take_all(tx: Any, known: Any, named: Any, shaken: int = 0) -> Any:
        rows = tx.execute(take, {"me": tx.home.process_id, "named": list(named)}).mappings().all()
        return claiming.with_results(tx, rows)

    plant_in(claiming, claim_these=take_all)


PLANTS: dict[str, Callable[[], None]] = {plant.__name__: plant for plant in (never_sweeps, takes_what_is_owned)}


def main(plants: list[str], arguments: list[str]) -> None:
    for plant in plants:
        PLANTS[plant]()
    sys.argv = ["celery", *arguments]
    celery()


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(sys.argv[1:end], sys.argv[end + 1 :])
