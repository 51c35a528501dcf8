"""One worker process against two on one PostgreSQL: how fast they carry on what another process has accepted.

A process of the role `api` accepts a backlog while the pipeline is paused; then so many workers, warm and idle, are let
loose on it. Two cases, for two limits: "waiting", where the warehouse takes its time and a worker has few slots, and
"working", where the warehouse answers at once and the processors are all there is. What the limit was is measured too:
the share of the slots that were in use, of one core that the busiest worker used, and of all cores, by whomever.

CPU seconds are those of the workers and of all PostgreSQL processes per 1,000 orders. "completed/s" is taken between
the first and the last tenth of the backlog. Numbers of workers take turns: only ratios within one run mean something.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tests.benchmarks.fleet import PIPELINE, Camp, front, pitched, steer
from tests.benchmarks.histories import Journal, per_second_at_pace
from tests.benchmarks.measuring import post
from tests.benchmarks.orders import say
from tests.benchmarks.stage import stage
from tests.benchmarks.subjects import Site
from tests.benchmarks.warehouse import warehouse
from tests.harness import procfs
from tests.harness.orders import OrdersServer
from tests.harness.postgres import OwnPostgres, fresh_database
from tests.harness.scrape import scrape, value_of

CORES = os.cpu_count() or 1
CONNECTIONS = 32
_POLL_SECONDS = 0.1
_STALLED_SECONDS = 60.0
_FEWEST_LOOKS = 5
HEAD = (
    "| case | workers | completed/s | share of each | CPU s per 1,000: workers | database | slots in use "
    "| busiest worker, of a core | cores, all in all | the limit |\n|---|---:|---:|---|---:|---:|---:|---:|---:|---|"
)


@dataclass(frozen=True)
class Case:
    """How long the warehouse takes, how many runs a worker has in hand at once, and how many orders there are."""

    answers_after_ms: int
    slots: int
    orders: int


CASES: Mapping[str, Case] = {
    "waiting": Case(answers_after_ms=200, slots=16, orders=600),
    "working": Case(answers_after_ms=0, slots=256, orders=2000),
}


@dataclass(frozen=True)
class Figures:
    """What so many workers made of one backlog. Shares are of 1; `cores` are those of the machine that were busy."""

    per_second: float
    shares: Sequence[float]
    worker_cpu: float
    database_cpu: float
    slots: float
    busiest: float
    cores: float

    @property
    def limit(self) -> str:
        used = {"slots": self.slots, "a worker's core": self.busiest, "all cores": self.cores}
        return max(used, key=lambda name: used[name])


@dataclass(frozen=True)
class Reading:
    """All clocks of one moment, or what they have moved between two."""

    at: float
    workers: Sequence[float]
    database: float
    machine: float

    @classmethod
    def of(cls, workers: Sequence[OrdersServer], postgres: OwnPostgres) -> "Reading":
        used = [worker.cpu_seconds() for worker in workers]
        return cls(time.time(), used, postgres.cpu_seconds(), procfs.machine_cpu_seconds())

    def __sub__(self, before: "Reading") -> "Reading":
        workers = [b - a for a, b in zip(before.workers, self.workers, strict=True)]
        return Reading(self.at - before.at, workers, self.database - before.database, self.machine - before.machine)


@dataclass(frozen=True)
class Busy:
    """While runs were waiting: how many others were in hand on the average, and what was used."""

    in_hand: float
    used: Reading


class Yard:
    """One case: an installation whose front accepts, and the backlogs that workers carry on."""

    def __init__(self, case: Case, camp: Camp, api: OrdersServer, postgres: OwnPostgres, journal: Journal) -> None:
        self._case = case
        self._camp = camp
        self._api = api
        self._postgres = postgres
        self._journal = journal
        self._posted = 0

    async def drained_by(self, count: int, orders: int) -> Figures:
        """Fill it up, and let so many workers loose on it."""
        await steer(self._api, "pause")
        heard = await post(front(self._api), self._posted, orders, CONNECTIONS)
        self._posted += orders
        slots = {"ORDERS_WORKER_SLOTS": str(self._case.slots)}
        async with self._camp.several("worker", count, slots) as workers:
            before = Reading.of(workers, self._postgres)
            await steer(self._api, "resume")
            busy = await self._until_empty(workers)
            used = Reading.of(workers, self._postgres) - before
            finished = [await completed_by(worker) for worker in workers]
        ended = self._journal.completed_since(before.at)
        if len(ended) != heard["accepted"] or sum(finished) != len(ended):
            raise SystemExit(f"{heard['accepted']} accepted, {len(ended)} completed, {finished} told")
        return Figures(
            per_second=per_second_at_pace(ended),
            shares=[each / len(ended) for each in finished],
            worker_cpu=1000 * sum(used.workers) / len(ended),
            database_cpu=1000 * used.database / len(ended),
            slots=busy.in_hand / (count * self._case.slots),
            busiest=max(busy.used.workers) / busy.used.at,
            cores=busy.used.machine / busy.used.at / CORES,
        )

    async def _until_empty(self, workers: Sequence[OrdersServer]) -> Busy:
        """Look on until all is done; what is told is of the time while runs waited for a slot."""
        readings, hands = [], []
        last, moved_at = (-1, -1), time.monotonic()
        while (now := self._journal.backlog()) != (0, 0):
            waiting, in_hand = now
            if waiting and in_hand:
                readings.append(Reading.of(workers, self._postgres))
                hands.append(in_hand)
            if now != last:
                last, moved_at = now, time.monotonic()
            elif time.monotonic() - moved_at > _STALLED_SECONDS:
                raise SystemExit(f"nothing moves; the front says:\n{self._api.log_end()}")
            await asyncio.sleep(_POLL_SECONDS)
        if len(readings) < _FEWEST_LOOKS:
            raise SystemExit("that was over too soon to be measured: more --orders")
        return Busy(fmean(hands), readings[-1] - readings[0])


async def completed_by(worker: OrdersServer) -> float:
    samples = await scrape(worker.url)
    return value_of(samples, "pipeline_runs_finished_total", pipeline=PIPELINE, outcome="completed")


async def compare(chosen: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    say(HEAD)
    measured = {name: await case(name, chosen, postgres, parent) for name in chosen.cases}
    say("".join(f"\n{name}: {ratio}" for name, rounds in measured.items() for ratio in ratios(rounds)))


def ratios(measured: Mapping[int, Sequence[Figures]]) -> list[str]:
    """Each number of workers against the smallest, on the mean of all rounds."""
    mean = {count: fmean(each.per_second for each in rounds) for count, rounds in measured.items()}
    few, *more = sorted(mean)
    return [f"{count} workers complete {mean[count] / mean[few]:.2f} times the orders of {few}" for count in more]


async def case(
    name: str, chosen: argparse.Namespace, postgres: OwnPostgres, parent: Path
) -> Mapping[int, Sequence[Figures]]:
    measured, this = defaultdict[int, list[Figures]](list), CASES[name]
    with fresh_database(postgres) as url, tempfile.TemporaryDirectory(dir=parent) as folder:
        async with warehouse(answers_after_ms=this.answers_after_ms) as sink:
            camp, journal = await pitched(Site(url, Path(folder), sink.url)), Journal(url)
            async with camp.one("api") as api:
                yard = Yard(this, camp, api, postgres, journal)
                for _ in range(chosen.rounds):
                    for count in chosen.workers:
                        figures = await yard.drained_by(count, chosen.orders or this.orders)
                        measured[count].append(figures)
                        say(row(name, count, figures))
            journal.close()
    return measured


def row(case: str, count: int, f: Figures) -> str:
    return (
        f"| {case} | {count} | {f.per_second:.0f} | {', '.join(f'{share:.0%}' for share in f.shares)} "
        f"| {f.worker_cpu:.2f} | {f.database_cpu:.2f} | {f.slots:.0%} | {f.busiest:.0%} | {f.cores:.0%} | {f.limit} |"
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.workers", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--case", dest="cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--orders", type=int, help="in each backlog; as many as suit the case, if not given")
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    chosen = options()
    with stage() as (postgres, place):
        asyncio.run(compare(chosen, postgres, place))


if __name__ == "__main__":
    main()
