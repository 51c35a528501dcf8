from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from orders_service.pool_metrics import PoolMetrics
from pipelines.journal import open_for_reading


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def readers(database_url: str, registry: CollectorRegistry) -> Iterator[Engine]:
    readers = open_for_reading(database_url)
    PoolMetrics(registry).watch(readers)
    yield readers
    readers.dispose()


def connections(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    """In use, and idle."""
    name = "orders_db_pool_connections"
    in_use, idle = (registry.get_sample_value(name, {"state": state}) for state in ("in_use", "idle"))
    return in_use, idle


@pytest.mark.usefixtures("readers")
def test_nothing_is_open_at_first(registry: CollectorRegistry) -> None:
    assert connections(registry) == (0, 0)


def test_connections_are_in_use_while_somebody_reads(registry: CollectorRegistry, readers: Engine) -> None:
    with readers.connect(), readers.connect():
        assert connections(registry) == (2, 0)
    assert connections(registry) == (0, 2)


def test_a_connection_that_broke_is_gone(registry: CollectorRegistry, readers: Engine) -> None:
    with readers.connect() as connection:
        connection.invalidate()
    assert connections(registry) == (0, 0)


def test_a_pool_that_was_let_go_has_none(registry: CollectorRegistry, readers: Engine) -> None:
    with readers.connect():
        pass
    readers.dispose()
    assert connections(registry) == (0, 0)
