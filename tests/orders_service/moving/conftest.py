"""A file with one product in it, and an empty PostgreSQL that it may move to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orders_service import schema
from tests.builders.house import A_PRODUCT, execute
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database


@pytest.fixture(scope="module")
def migrated(postgres: Postgres) -> Iterator[str]:
    """Where nothing arrives but what a test takes away again: migrating takes a second."""
    with fresh_database(postgres) as url:
        schema.migrate(url)
        yield url


@pytest.fixture
def target(migrated: str) -> Iterator[str]:
    yield migrated
    schemas.empty(migrated)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "orders.db"
    schema.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def empty(template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(template, tmp_path)}"


@pytest.fixture
def source(empty: str) -> str:
    execute(empty, A_PRODUCT)
    return empty
