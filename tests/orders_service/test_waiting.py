from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from orders_service import schema
from orders_service.settings import Settings
from orders_service.waiting import until_migrated
from pipelines import JournalTooOld


def settings_of(database_url: str) -> Settings:
    return Settings.model_validate({"database_url": SecretStr(database_url)}, by_name=True, by_alias=False)


def test_it_ends_when_somebody_has_migrated(database_url: str) -> None:
    told: list[str] = []

    def migrate(obstacle: str) -> None:
        told.append(obstacle)
        schema.migrate(database_url)

    until_migrated(settings_of(database_url), patience_seconds=60, tell=migrate)
    assert len(told) == 1


def test_it_does_not_migrate_itself(database_url: str) -> None:
    schema.migrate(database_url, to="0008")
    with pytest.raises(JournalTooOld, match="Run: orders migrate"):
        until_migrated(settings_of(database_url), patience_seconds=0, tell=print)
    with pytest.raises(JournalTooOld):
        schema.check(database_url)


def test_it_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(JournalTooOld, match="There is no database yet"):
        until_migrated(settings_of(f"sqlite:///{tmp_path / 'orders.db'}"), patience_seconds=0, tell=print)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_is_waited_for_and_said_once(tmp_path: Path) -> None:
    told: list[str] = []
    nobody = f"postgresql://orders@/orders?host={tmp_path}"
    with pytest.raises(OperationalError):
        until_migrated(settings_of(nobody), patience_seconds=1, tell=told.append)
    assert len(told) == 1
    assert told[0].startswith("The database cannot be used: ")
