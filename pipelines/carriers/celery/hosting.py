"""A Celery worker as the host of a process, which lives on an event loop of its own, in a thread of its own."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any, NoReturn
from uuid import UUID

from celery import Celery, bootsteps, signals
from celery.exceptions import Reject

from pipelines.carriers.celery.application import TASK
from pipelines.carriers.celery.tenant import Hosted, LoopFactory, Tenant
from pipelines.errors import PipelinesError

CANNOT_START = 2
FAILED = 70  # as in sysexits.h: an internal software error; a supervisor starts a new incarnation
LAST_WORDS_SECONDS = 5.0  # for Celery to say goodbye to its broker
_POOLS = ("threads", "solo")


class CannotStart(PipelinesError):
    """Raised by what `host` was given: the worker ends with this sentence, and without a traceback."""


def host(app: Celery, hosted: Hosted, *, loop_factory: LoopFactory = None) -> None:
    """Have the workers of this application carry runs on: `celery -A <module with app> worker`.

    `hosted()` is an async context manager that gives the `Process`, `lambda: running(Process(...))` for example; it is
    entered before the first message is read, and left, draining, when the worker is told to stop. When the process
    fails, the worker ends with code 70.
    """
    tenant = Tenant(hosted, loop_factory, on_failure=_end_this_worker, on_end=lambda: _limit_the_goodbye(tenant))
    app.steps["worker"].add(type("Runs", (Runs,), {"tenant": tenant}))
    app.task(name=TASK, acks_late=True, ignore_result=True, shared=False)(_task(tenant))


def _task(tenant: Tenant) -> Callable[..., str]:
    def wake(*words: object, **more: object) -> str:
        """The one task. What is no run's id is rejected; all else that is wrong with a run leaves it alone."""
        return "taken" if tenant.take(_run_id(words, more)) else "left"

    return wake


def _run_id(words: tuple[object, ...], more: dict[str, object]) -> UUID:
    match words, more:
        case ((str() as word,), {}) if not more:
            with suppress(ValueError):
                return UUID(word)
    raise Reject("this message is not the id of a run", requeue=False)


class Runs(bootsteps.StartStopStep):  # type: ignore[misc] # published without types
    """Celery's handle: started before its consumer, stopped after it and before the pool."""

    requires = ("celery.worker.components:Pool",)
    tenant: Tenant

    def __init__(self, worker: Any, *, beat: bool = False, **_: Any) -> None:
        super().__init__(worker)
        if beat:
            _refuse(
                "Beat would be forked off in the middle of this worker. Leave -B away, or run it alone: celery beat."
            )
        if worker.autoscale:
            _refuse("This worker has no pool to scale: a thread only hears a message. Leave it at --concurrency.")
        if (pool := _typed(sys.argv) or _configured(worker.pool_cls)) not in _POOLS:
            _refuse(
                f"The pool {pool} is not for this worker: its runs share one event loop, and no process or thread is "
                f"held for each. Leave -P away, or use one of: {', '.join(_POOLS)}."
            )

    def create(self, _: Any) -> Tenant:
        return self.tenant

    def start(self, worker: Any) -> None:
        """Return when it is ready, or end the worker with a sentence."""
        signals.worker_shutting_down.connect(self._leave, sender=worker.hostname, weak=False)
        try:
            self.tenant.start()
        except PipelinesError as error:
            _refuse(str(error))

    def stop(self, worker: Any) -> None:
        """Wait until it has drained."""
        self.tenant.stop()
        if self.tenant.failure is not None:
            worker.exitcode = FAILED

    def terminate(self, worker: Any) -> None:
        """Celery's cold shutdown: break off what calls the outside."""
        self.tenant.hurry()
        self.stop(worker)

    def info(self, _: Any) -> dict[str, object]:
        """For `celery inspect stats`."""
        return {"pipelines": self.tenant.info()}

    def _leave(self, *_: object, **__: object) -> None:
        """In a signal handler: at the first one drain, at the second one hurry."""
        self.tenant.leave()


def _typed(words: list[str]) -> str | None:
    """The pool that a person asks for. Celery takes `-P prefork` for no wish at all, and would run on threads."""
    for word, following in pairwise([*words, ""]):
        if word in {"-P", "--pool"}:
            return following
        if word.startswith("--pool="):
            return word.removeprefix("--pool=")
    return None


def _configured(pool: Any) -> str:
    module: str = pool if isinstance(pool, str) else pool.__module__.rpartition(".")[2]
    return "threads" if module == "thread" else module


def _end_this_worker() -> None:
    """Have Celery end, wherever it waits just now; the code is set when it stops."""
    os.kill(os.getpid(), signal.SIGTERM)


def _limit_the_goodbye(tenant: Tenant) -> None:
    """A silent broker keeps Celery waiting, on RabbitMQ for ever; whoever has left the journal need not wait."""
    ending = threading.Timer(LAST_WORDS_SECONDS, _end_without_celery, [tenant])
    ending.daemon = True
    signals.worker_shutdown.connect(lambda **_: ending.cancel(), weak=False)
    ending.start()


def _end_without_celery(tenant: Tenant) -> None:
    sys.stderr.write("The broker does not answer: this worker ends without a goodbye to it.\n")
    sys.stderr.flush()
    os._exit(0 if tenant.failure is None else FAILED)


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(CANNOT_START)
