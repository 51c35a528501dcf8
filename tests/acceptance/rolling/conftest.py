"""Two releases on one database."""

from collections.abc import Iterator

import pytest

from tests.harness.next_release import NextRelease, next_release
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.releases import Release, release_before


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release before ours."""
    return release_before(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="session")
def after(tmp_path_factory: pytest.TempPathFactory) -> NextRelease:
    """The schema of the release after ours."""
    return next_release(tmp_path_factory.mktemp("after"))


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url:
        yield url
