"""Who decides how many pods there are: one for each workload, and by a number that means what it should."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Engine, insert

from orders_service.settings import Settings
from pipelines.journal.tables import pauses, runs
from pipelines.run import RunState
from tests.harness.deployments import deployed
from tests.harness.kustomize import Manifest
from tests.harness.manifests import Cluster
from tests.harness.plans import HISTORY, fill, run_row
from tests.harness.postgres import Postgres, fresh_database

_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
_NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def journal(postgres: Postgres) -> Iterator[tuple[Engine, str]]:
    """One with a history, and the URL that a program other than ours connects to it by."""
    with fresh_database(postgres) as url:
        engine = fill(url)
        yield engine, url
        engine.dispose()


def scaled() -> Manifest:
    return dict(deployed("postgres", "keda").the("ScaledObject")["spec"])


def trigger() -> Manifest:
    (found,) = scaled()["triggers"]
    return dict(found)


def ask(url: str, prefix: str = "") -> list[tuple[Any, ...]]:
    """As KEDA does it: the query as it stands, on a connection of its own."""
    with psycopg.connect(url) as connection:
        return connection.execute(prefix + trigger()["metadata"]["query"]).fetchall()


def test_a_workload_is_scaled_by_one_at_most_or_says_itself_how_many(cluster: Cluster) -> None:
    targets = [each["spec"]["scaleTargetRef"]["name"] for kind in _SCALERS for each in cluster.every(kind)]
    assert len(targets) == len(set(targets))
    for deployment in cluster.every("Deployment"):
        assert (deployment["metadata"]["name"] in targets) != ("replicas" in deployment["spec"])
    assert set(targets) <= {deployment["metadata"]["name"] for deployment in cluster.every("Deployment")}


def test_the_api_is_scaled_by_its_cpu_and_never_alone(fleet: Cluster) -> None:
    scaler = fleet.the("HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}
    assert 1 < scaler["minReplicas"] < scaler["maxReplicas"]
    assert [metric["resource"]["name"] for metric in scaler["metrics"]] == ["cpu"]


@pytest.mark.parametrize("overlay", ["postgres", "celery"])
def test_workers_are_scaled_where_keda_is(overlay: str) -> None:
    cluster = deployed(overlay, "keda")
    spec = cluster.the("ScaledObject")["spec"]
    assert spec["scaleTargetRef"] == {"name": "orders-worker"}
    assert 1 < spec["minReplicaCount"] < spec["maxReplicaCount"]
    names = {each["metadata"]["name"] for each in cluster.every("TriggerAuthentication")}
    assert {each["authenticationRef"]["name"] for each in spec["triggers"]} == names


def test_the_backlog_is_asked_of_the_journal_and_not_of_the_broker() -> None:
    assert trigger()["type"] == "postgresql"


def test_a_worker_is_wanted_before_the_slots_of_the_others_are_full() -> None:
    slots = Settings.model_fields["worker_slots"].default
    target = int(trigger()["metadata"]["targetQueryValue"])
    assert slots / 2 < target < slots
    most = re.search(r"LIMIT (\d+)", trigger()["metadata"]["query"])
    assert most is not None
    assert int(most[1]) > scaled()["maxReplicaCount"] * slots


def test_the_backlog_is_found_by_indexes(journal: tuple[Engine, str]) -> None:
    plan = "\n".join(str(row) for row in ask(journal[1], "EXPLAIN "))
    assert "Seq Scan on runs" not in plan


def test_the_backlog_is_what_holds_a_slot_or_could_begin_at_once(journal: tuple[Engine, str]) -> None:
    engine, url = journal
    with engine.begin() as connection:
        connection.execute(runs.delete())
        connection.execute(insert(pauses), [_pause("paused")])
        for rows in (*_COUNTED, *_NOT_COUNTED):
            connection.execute(insert(runs), rows)
    assert ask(url) == [(sum(map(len, _COUNTED)),)]


def _row(state: RunState, **others: object) -> dict[str, Any]:
    return run_row(state) | {"due_at": _NOW - timedelta(minutes=1), **others}


def _pause(pipeline: str) -> dict[str, Any]:
    return {"pipeline": pipeline, "paused_at": _NOW, "paused_by": "test", "reason": "test"}


def _line(length: int) -> list[dict[str, Any]]:
    return [_row(RunState.READY, serial="customer", serial_place=place) for place in range(length)]


_OWNER, _LATER = UUID(int=2), _NOW + timedelta(hours=1)
_FIRST, *_BEHIND_IT = _line(5)
_COUNTED = (
    [_row(RunState.RUNNING, owner=_OWNER) for _ in range(7)],
    [_row(RunState.UNDOING, owner=_OWNER, pipeline="paused")],
    [_row(RunState.READY) for _ in range(11)],
    [_row(RunState.WAITING) for _ in range(3)],
    [_row(RunState.UNDOING)],
    [_FIRST],
    [_row(RunState.READY, serial="another", serial_place=7)],
    [_row(RunState.READY, serial="customer", serial_place=7, pipeline="ride")],
)
_NOT_COUNTED = (
    [_row(RunState.WAITING, due_at=_LATER) for _ in range(13)],
    [_row(RunState.READY, pipeline="paused") for _ in range(17)],
    _BEHIND_IT,
    [_row(RunState.COMPLETED, id=uuid4(), finished_at=_NOW) for _ in range(HISTORY // 100)],
)
