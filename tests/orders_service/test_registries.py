"""Several workers of one server: what each counts is shown as one sum. Their values live in files, so they are real."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from orders_service.registries import FOLDER, Workers, open_registries

WORKER = """
import os
from prometheus_client import Counter, Gauge
from orders_service.registries import open_registries

own = open_registries().own
Counter("things", "Things.", registry=own).inc(3)
Gauge("open_things", "Open things.", registry=own, multiprocess_mode="livesum").inc(2)
os._exit(0)  # as a worker that is killed
"""


def work(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", WORKER], env={**os.environ, FOLDER: str(folder)}, check=True)  # noqa: S603 - ours


def shown(collectors: Iterable[Workers]) -> dict[str, float]:
    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    return {sample.name: sample.value for family in registry.collect() for sample in family.samples}


def test_what_dead_workers_have_counted_stays_and_their_gauges_go(tmp_path: Path) -> None:
    work(tmp_path)
    work(tmp_path)
    assert shown([Workers(tmp_path)]) == {"things_total": 6}


def test_gauges_of_workers_that_live_are_shown(tmp_path: Path) -> None:
    work(tmp_path)
    [file] = tmp_path.glob("gauge_livesum_*.db")
    file.rename(tmp_path / f"gauge_livesum_{os.getpid()}.db")
    assert shown([Workers(tmp_path)]) == {"things_total": 3, "open_things": 2}


def test_with_a_folder_for_workers_a_scrape_reads_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work(tmp_path)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    registries = open_registries()
    assert registries.own is not registries.scraped
    assert registries.scraped.get_sample_value("things_total") == 3


def test_alone_a_process_shows_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    registries = open_registries()
    assert registries.own is registries.scraped
    assert registries.own.get_sample_value("process_start_time_seconds") is not None
