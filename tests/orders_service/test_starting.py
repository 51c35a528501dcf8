import errno
import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from orders_service import schema, starting
from orders_service.inventory import SMALL_CATALOG
from orders_service.settings import DEVELOPMENT_KEY, Role, Settings, SettingsError
from pipelines import AlreadyServed, JournalTooOld
from pipelines.journal import lock_of, parse_url
from tests.harness.facts import read_facts


def settings_of(database_url: str, folder: Path, **others: object) -> Settings:
    return Settings.model_validate(
        {"database_url": SecretStr(database_url), "data_dir": folder, **others}, by_name=True, by_alias=False
    )


def stock(database_url: str) -> dict[str, int]:
    url = parse_url(database_url).render_as_string(hide_password=False)
    return {sku: shelf.available for sku, shelf in read_facts(url).stock.items()}


def test_the_first_start_migrates_and_offers_something(database_url: str, tmp_path: Path) -> None:
    starting.prepare(settings_of(database_url, tmp_path))
    assert stock(database_url) == {entry.sku: entry.available for entry in SMALL_CATALOG}


def test_the_second_start_leaves_everything_as_it_is(database_url: str, tmp_path: Path) -> None:
    settings, catalog = settings_of(database_url, tmp_path), tmp_path / "catalog.json"
    schema.migrate(database_url)
    price = {"amount": 1, "currency": "EUR"}
    catalog.write_text(json.dumps([{"sku": "mug", "name": "Mug", "price": price, "available": 7}]))
    starting.seed(settings, catalog)
    starting.prepare(settings)
    assert stock(database_url) == {"mug": 7}


def test_seeding_adds_what_is_new_and_keeps_what_is_there(database_url: str, tmp_path: Path) -> None:
    settings, catalog = settings_of(database_url, tmp_path), tmp_path / "catalog.json"
    starting.prepare(settings)
    price = {"amount": 1, "currency": "EUR"}
    entries = [{"sku": sku, "name": sku, "price": price, "available": 3} for sku in ("MUG-01", "sofa")]
    catalog.write_text(json.dumps(entries))
    assert starting.seed(settings, catalog) == 1
    assert stock(database_url) == {entry.sku: entry.available for entry in SMALL_CATALOG} | {"sofa": 3}


def test_a_database_without_tables_is_refused_with_the_way_out(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(JournalTooOld, match="Run: orders migrate"):
        starting.check(settings_of(database_url, tmp_path))


def test_seeding_before_the_first_migration_is_refused_in_the_same_way(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(JournalTooOld, match="Run: orders migrate"):
        starting.seed(settings_of(database_url, tmp_path), None)


def test_a_check_leaves_no_database_behind(tmp_path: Path) -> None:
    with pytest.raises(JournalTooOld):
        starting.check(settings_of(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path))
    assert not (tmp_path / "orders.db").exists()


def test_a_file_that_somebody_serves_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    starting.prepare(settings_of(url, tmp_path))
    lock = lock_of(parse_url(url))
    assert lock is not None
    lock.acquire()
    with pytest.raises(AlreadyServed, match="already served"):
        starting.check(settings_of(url, tmp_path))
    lock.release()
    starting.check(settings_of(url, tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fulfillment_url", "http://10.1.2.3/"),
        ("fulfillment_url", "http://user:hunter2@127.0.0.1/"),
        ("fulfillment_url", "ftp://example.com/"),
        ("smtp_url", "http://mail.example.com:hunter2"),
        ("smtp_sender", "nobody"),
    ],
)
def test_what_the_outside_would_refuse_is_refused_before_anything_starts(tmp_path: Path, name: str, value: str) -> None:
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    schema.migrate(url)
    with pytest.raises(SettingsError, match=f"ORDERS_{name.upper()}") as refused:
        starting.check(settings_of(url, tmp_path, **{name: value}))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (JournalTooOld("Run: orders migrate"), "Run: orders migrate"),
        (ValueError("no such revision"), "no such revision"),
        (
            OperationalError("SELECT 1", {}, Exception("refused\nIs it running?")),
            "The database cannot be used: refused",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/orders.db"), "/orders.db: Permission denied."),
        (RuntimeError("a bug"), None),
        (OSError("out of something"), None),
        (None, None),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(error: Exception | None, advice: str | None) -> None:
    assert starting.advice(error) == advice


def test_the_welcome_names_every_place_and_a_first_order(tmp_path: Path) -> None:
    welcome = starting.welcome(settings_of("sqlite:///x/o.db", tmp_path, port=8123))
    for place in ("/console", "/v1/orders", "/docs", "/metrics", "/sandbox/warehouse", "/sandbox/mailbox"):
        assert f"http://127.0.0.1:8123{place}" in welcome
    assert f"Authorization: Bearer {DEVELOPMENT_KEY}" in welcome


def test_the_welcome_does_not_show_a_key_of_ones_own(tmp_path: Path) -> None:
    welcome = starting.welcome(settings_of("sqlite:///x/o.db", tmp_path, admin_key=SecretStr("hunter2")))
    assert "hunter2" not in welcome
    assert "$ORDERS_ADMIN_KEY" in welcome


def test_a_worker_is_welcomed_with_no_place_that_it_lacks(tmp_path: Path) -> None:
    welcome = starting.welcome(settings_of("sqlite:///x/o.db", tmp_path, port=8123, role=Role.WORKER))
    for place in ("/readyz", "/metrics", "/sandbox/warehouse"):
        assert f"http://127.0.0.1:8123{place}" in welcome
    assert "/console" not in welcome
    assert "/v1/orders" not in welcome
