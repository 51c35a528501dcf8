"""How fast orders are accepted and completed, and at what cost: ours against the textbook service, in one run.

The services take turns on SQLite and on a PostgreSQL of its own, both on the disk under ./var with full durability.
CPU seconds are those of the server process and of all PostgreSQL processes; client and warehouse are not counted.
"""

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from tests.benchmarks.measuring import Figures, Ground, Load, measure, soak
from tests.benchmarks.stage import stage
from tests.benchmarks.subjects import Subject, ours, textbook
from tests.harness.postgres import OwnPostgres, fresh_database

SUBJECTS: dict[str, Subject] = {"ours": ours, "textbook": textbook}
DATABASES = ["sqlite", "postgresql"]
SOAK_MARKS = [2_000, 10_000, 20_000]
HEAD = (
    "| service | database | accepted/s | completed/s | p50 ms | p99 ms | CPU s per 1,000 | of it database | peak MiB "
    "| refused | lost |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)

Case = tuple[str, str]  # service and database


async def compare(options: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    load, rounds = Load(options.orders, options.connections), defaultdict[Case, list[Figures]](list)
    say(HEAD)
    for _ in range(options.rounds):
        for database in options.databases:
            for service in options.services:
                with ground(database, postgres, parent) as site:
                    figures = await measure(SUBJECTS[service], site, load, parent)
                rounds[service, database].append(figures)
                say(row(service, database, figures))
    say(ratios(rounds))


async def watch_memory(options: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    say("| database | " + " | ".join(f"MiB after {mark:,}" for mark in SOAK_MARKS) + " |\n|---|---:|---:|---:|")
    for database in options.databases:
        with ground(database, postgres, parent) as site:
            held = await soak(ours, site, SOAK_MARKS, options.connections, parent)
        say(f"| {database} | " + " | ".join(f"{mib:.0f}" for mib in held) + " |")


@contextmanager
def ground(database: str, postgres: OwnPostgres, parent: Path) -> Iterator[Ground]:
    if database == "sqlite":
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            yield Ground(f"sqlite:///{folder}/orders.db", lambda: 0.0)
    else:
        with fresh_database(postgres) as url:
            yield Ground(url, postgres.cpu_seconds)


def row(service: str, database: str, f: Figures) -> str:
    return (
        f"| {service} | {database} | {f.accepted_per_second:.0f} | {f.completed_per_second:.0f} | {f.p50_ms:.1f} "
        f"| {f.p99_ms:.1f} | {f.cpu:.2f} | {f.database_cpu:.2f} | {f.peak_mib:.0f} | {f.refused} | {f.lost} |"
    )


def ratios(rounds: dict[Case, list[Figures]]) -> str:
    """Ours against the textbook service, on the mean of all rounds."""
    lines = []
    for database in DATABASES:
        our, their = rounds.get(("ours", database)), rounds.get(("textbook", database))
        if our and their:
            faster = _mean(our, "completed_per_second") / _mean(their, "completed_per_second")
            cheaper = _mean(their, "cpu") / _mean(our, "cpu")
            lines.append(
                f"{database}: {faster:.1f} times the completed orders per second, {cheaper:.1f} times less CPU"
            )
    return "\n".join(["", *lines])


def _mean(rounds: list[Figures], name: str) -> float:
    return fmean(getattr(figures, name) for figures in rounds)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the benchmark's output


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--orders", type=int, default=3000, help="measured orders in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--service", dest="services", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--database", dest="databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--soak", action="store_true", help="instead: our memory over 20,000 orders")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    work = watch_memory if chosen.soak else compare
    with stage() as (postgres, place):
        asyncio.run(work(chosen, postgres, place))


if __name__ == "__main__":
    main()
