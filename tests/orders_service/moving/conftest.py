"""A file with one product in it, and an empty PostgreSQL that it may move to."""

import shutil
from pathlib import Path

import pytest

from orders_service import schema
from tests.builders.house import A_PRODUCT, execute


@pytest.fixture
def target(postgres_url: str) -> str:
    """Migrated, and without a row."""
    return postgres_url


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
