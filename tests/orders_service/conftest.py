"""What the tests of the service share."""

import io
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orders_service import logs, schema
from tests.builders.ear import Ear
from tests.builders.shop import Shop, open_shop
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.schemas import Emptying


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """By default structlog shows the variables of every frame of an exception, which takes it seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy, which is quicker than to migrate."""
    file = tmp_path_factory.mktemp("migrated") / "orders.db"
    schema.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> Iterator[tuple[str, Emptying]]:
    """One database for all tests that leave the schema as it is."""
    with fresh_database(postgres) as url:
        schema.migrate(url)
        with closing(Emptying(url)) as emptying:
            yield url, emptying


@pytest.fixture
def sqlite_url(migrated_file: Path, quick_folder: Path) -> str:
    """A migrated database without rows."""
    copy = shutil.copy(migrated_file, quick_folder / "orders.db")
    return f"sqlite:///{copy}"


@pytest.fixture
def postgres_url(migrated_postgres: tuple[str, Emptying]) -> Iterator[str]:
    """A migrated database without rows."""
    url, emptying = migrated_postgres
    yield url
    emptying.empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn, migrated and without rows."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture
async def shop(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service, open for business, on each database."""
    async with open_shop(migrated_url, tmp_path) as shop:
        yield shop


@pytest.fixture
async def own_shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The same for a test that changes the schema."""
    schema.migrate(database_url)
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
async def corner_shop(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """The service on SQLite alone, for what no database decides."""
    async with open_shop(sqlite_url, tmp_path) as shop:
        yield shop


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """A provider for this test alone: the real way to set one cannot be taken back."""
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return memory


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """All that is logged, as production logs it."""
    stream, handlers = io.StringIO(), logging.root.handlers
    logs.configure("json", stream=stream)
    yield stream
    logging.root.handlers = handlers
    logging.captureWarnings(capture=False)


@pytest.fixture
async def ear(
    sqlite_url: str,
    tmp_path: Path,
    out: io.StringIO,
    exporter: InMemorySpanExporter,
    capfd: pytest.CaptureFixture[str],
) -> AsyncIterator[Ear]:
    async with open_shop(sqlite_url, tmp_path) as shop:
        yield Ear(shop, out, exporter, capfd)
