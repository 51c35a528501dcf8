import base64
import os
from datetime import timedelta
from pathlib import Path

import pytest

from orders_service.settings import DEVELOPMENT_KEY, PREFIX, SettingsError, load, load_access
from pipelines import Retention, RunState

SECRET = "whsec_" + base64.b64encode(b"x" * 24).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"y" * 64).decode()
PRODUCTION = {
    "ORDERS_PROFILE": "production",
    "ORDERS_ADMIN_KEY": "0123456789abcdef01234567",
    "ORDERS_FULFILLMENT_SECRET": SECRET,
    "ORDERS_FULFILLMENT_URL": "https://warehouse.example.com",
    "ORDERS_SMTP_URL": "smtp://mail.example.com",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with nothing of ours."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    return monkeypatch


def refusal(environment: pytest.MonkeyPatch, settings: dict[str, str]) -> str:
    for name, value in settings.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    return str(refused.value)


def test_without_any_setting_it_is_development_on_loopback() -> None:
    settings = load()
    assert (settings.is_development, settings.host, settings.port) == (True, "127.0.0.1", 8000)
    assert settings.admin_key.get_secret_value() == DEVELOPMENT_KEY


@pytest.mark.parametrize("name", ["ORDERS_PROT", "ORDERS_SERVICE_HOST", "Orders_Prot", "ORDERS_"])
def test_a_name_that_is_no_setting_is_refused(environment: pytest.MonkeyPatch, name: str) -> None:
    assert refusal(environment, {name: "1"}) == f"{name}: there is no such setting"


def test_an_empty_setting_is_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERS_ADMIN_KEY", "")
    assert load().admin_key.get_secret_value() == DEVELOPMENT_KEY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDERS_PORT", "tcp://10.0.0.1:8000"),
        ("ORDERS_PORT", "65536"),
        ("ORDERS_PORT", "-1"),
        ("ORDERS_ROLE", "both"),
        ("ORDERS_PROFILE", "prod"),
        ("ORDERS_WORKER_SLOTS", "0"),
        ("ORDERS_LEASE_SECONDS", "0.5"),
        ("ORDERS_LEASE_SECONDS", "nan"),
        ("ORDERS_LOG_FORMAT", "xml"),
        ("ORDERS_SESSION_HOURS", "0"),
        ("ORDERS_SESSION_HOURS", "1e9"),
        ("ORDERS_TIME_ZONE", "Europe/Atlantis"),
        ("ORDERS_REPORT_EMAIL", "boss"),
        ("ORDERS_PUBLIC_URL", "shop.example.com"),
        ("ORDERS_PUBLIC_URL", "javascript://shop.example.com"),
        ("ORDERS_PUBLIC_URL", "https://ada@shop.example.com"),
        ("ORDERS_PUBLIC_URL", "https://shop.example.com/?a=b"),
        ("ORDERS_EGRESS_ALLOW", "10.0.0.1/8"),
        ("ORDERS_EGRESS_ALLOW", "example.com"),
        ("ORDERS_TRUSTED_PROXIES", "*"),
        ("ORDERS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ORDERS_RETENTION_DAYS", "0"),
        ("ORDERS_RETENTION_DAYS", "nan"),
        ("ORDERS_RETENTION_DAYS", "36501"),
        ("ORDERS_CELERY_BROKER_URL", "localhost:6379"),
        ("ORDERS_CELERY_BROKER_URL", "sqs://"),
        ("ORDERS_CELERY_BROKER_URL", "redis://:pass#word@broker/0"),
        ("ORDERS_CELERY_BROKER_URL", "redis://:12#3@broker/0"),
        ("ORDERS_CELERY_BROKER_URL", "amqp://ada:1/2@broker//"),
        ("ORDERS_CELERY_BROKER_URL", "redis://one/0;redis://other:port/0"),
        ("ORDERS_CELERY_BROKER_URL", "redis://"),
        ("ORDERS_CELERY_BROKER_URL", "redis://broker:6379/orders"),
        ("ORDERS_CELERY_BROKER_URL", "redis://broker:6379/0;redis://other:port/0"),
        ("ORDERS_DATABASE_URL", "orders.db"),
        ("ORDERS_DATABASE_URL", "mysql://localhost/orders"),
        ("ORDERS_DATABASE_URL", "sqlite://"),
        ("ORDERS_DATABASE_URL", "sqlite:///:memory:"),
        ("ORDERS_FULFILLMENT_SECRET", "  "),
        ("ORDERS_FULFILLMENT_SECRET", "whsec_"),
        ("ORDERS_FULFILLMENT_SECRET", "whsec_c2hvcnQ="),
        ("ORDERS_FULFILLMENT_SECRET", SECRET.removeprefix("whsec_")),
        ("ORDERS_FULFILLMENT_SECRET", f"{SECRET} nonsense"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_name(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert refusal(environment, {name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDERS_FULFILLMENT_SECRET", "whsec_hunter2"),
        ("ORDERS_DATABASE_URL", "mysql://orders:hunter2@db/orders"),
        ("ORDERS_DATABASE_URL", "hunter2"),
        ("ORDERS_ADMIN_KEY", "hunter2"),
        ("ORDERS_CELERY_BROKER_URL", "memory://:hunter2@broker"),
        ("ORDERS_CELERY_BROKER_URL", "redis://:hunter2@broker/0"),
        ("ORDERS_CELERY_BROKER_URL", "amqp://orders:hunter2/@broker:5672//"),
    ],
)
def test_a_refusal_does_not_show_the_secret(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert "hunter2" not in refusal(environment, PRODUCTION | {name: value})


@pytest.mark.parametrize(
    "url",
    [
        "redis://broker:6379/0",
        "rediss://:secret@broker",
        "amqp://orders:secret@broker:5672//",
        "amqp://one;amqp://other:5673/shop",
    ],
)
def test_a_broker_is_redis_or_rabbitmq(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("ORDERS_DATABASE_URL", "postgresql://orders@db/orders")
    environment.setenv("ORDERS_CELERY_BROKER_URL", url)
    broker = load().celery_broker_url
    assert broker is not None
    assert broker.get_secret_value() == url


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "example.com"])  # noqa: S104 - that it is refused
def test_development_serves_loopback_only(environment: pytest.MonkeyPatch, host: str) -> None:
    assert "loopback only" in refusal(environment, {"ORDERS_HOST": host})


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "localhost"])
def test_any_loopback_is_home(environment: pytest.MonkeyPatch, host: str) -> None:
    environment.setenv("ORDERS_HOST", host)
    assert load().host == host


def test_production_with_secrets_of_its_own_is_fine(environment: pytest.MonkeyPatch) -> None:
    for name, value in (PRODUCTION | {"ORDERS_HOST": "0.0.0.0"}).items():  # noqa: S104 - a container's only way
        environment.setenv(name, value)
    assert not load().is_development


@pytest.mark.parametrize("missing", sorted(set(PRODUCTION) - {"ORDERS_PROFILE"}))
def test_production_has_no_defaults_for_secrets_and_for_the_outside(
    environment: pytest.MonkeyPatch, missing: str
) -> None:
    assert f"set {missing}" in refusal(environment, {k: v for k, v in PRODUCTION.items() if k != missing})


def test_production_refuses_a_short_key(environment: pytest.MonkeyPatch) -> None:
    assert "ORDERS_ADMIN_KEY must have at least 24" in refusal(
        environment, PRODUCTION | {"ORDERS_ADMIN_KEY": "0123456789abcdef0123456"}
    )


@pytest.mark.parametrize("name", ["orders_admin_key", "ORDERS_ADMIN_KEY"])
def test_a_secret_may_come_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("from-a-file\n")
    environment.setenv("ORDERS_SECRETS_DIR", str(tmp_path))
    assert load().admin_key.get_secret_value() == "from-a-file"


def test_a_file_that_is_no_setting_is_refused_if_it_says_that_it_is_ours(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "..data").mkdir()  # as Kubernetes mounts them
    environment.setenv("ORDERS_SECRETS_DIR", str(tmp_path))
    load()
    (tmp_path / "orders_admon_key").touch()
    assert "orders_admon_key: there is no such setting" in refusal(environment, {})


def test_a_folder_of_secrets_that_is_missing_is_not_passed_over(environment: pytest.MonkeyPatch) -> None:
    message = refusal(environment, {"ORDERS_SECRETS_DIR": "/nowhere"})
    assert message == "ORDERS_SECRETS_DIR: /nowhere cannot be read: No such file or directory"


def test_during_a_rotation_there_are_two_secrets(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERS_FULFILLMENT_SECRET", f"{SECRET} {OTHER_SECRET}")
    assert load().fulfillment_secrets == (SECRET, OTHER_SECRET)


@pytest.mark.parametrize(("profile", "own"), [({}, ["127.0.0.0/8", "::1/128"]), (PRODUCTION, [])])
def test_private_networks_are_closed_unless_opened(
    environment: pytest.MonkeyPatch, profile: dict[str, str], own: list[str]
) -> None:
    for name, value in (profile | {"ORDERS_EGRESS_ALLOW": "10.0.0.0/8, fd00::/8 192.168.7.1"}).items():
        environment.setenv(name, value)
    assert list(map(str, load().allowed_networks)) == ["10.0.0.0/8", "fd00::/8", "192.168.7.1/32", *own]


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("127.0.0.2", "http://127.0.0.2:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_sandbox_is_where_the_process_listens(environment: pytest.MonkeyPatch, host: str, url: str) -> None:
    environment.setenv("ORDERS_HOST", host)
    assert load().warehouse_url == f"{url}/sandbox/warehouse"


@pytest.mark.parametrize("url", ["postgres://orders@db/orders", "postgresql://orders@db/orders", "sqlite:///x/o.db"])
def test_both_databases_may_be_named_in_the_usual_ways(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("ORDERS_DATABASE_URL", url)
    assert load().database_url.get_secret_value() == url


def test_the_crm_is_a_stand_in_in_development_and_none_in_production(environment: pytest.MonkeyPatch) -> None:
    assert load().crm_base_url == "http://127.0.0.1:8000/sandbox/crm"
    for name, value in PRODUCTION.items():
        environment.setenv(name, value)
    assert load().crm_base_url is None
    environment.setenv("ORDERS_CRM_URL", "https://crm.example.com")
    assert load().crm_base_url == "https://crm.example.com"


def test_runs_are_kept_for_as_long_as_is_said_and_dead_letters_until_somebody_looks(
    environment: pytest.MonkeyPatch,
) -> None:
    assert load().retention == Retention()
    environment.setenv("ORDERS_RETENTION_DAYS", "7")
    week = timedelta(days=7)
    assert load().retention.ages == dict.fromkeys((RunState.COMPLETED, RunState.REJECTED, RunState.CANCELLED), week)


def test_whoever_only_speaks_with_the_service_sets_nothing_that_a_server_needs(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "orders_api_key").write_text("mine\n")
    (tmp_path / "orders_fulfillment_secret").write_text("of a server")
    environment.setenv("ORDERS_PROFILE", "production")
    environment.setenv("ORDERS_HOST", "0.0.0.0")  # noqa: S104 - as a server's environment says
    environment.setenv("ORDERS_API_URL", "https://orders.example.com")
    environment.setenv("ORDERS_SECRETS_DIR", str(tmp_path))
    access = load_access()
    assert access.api_key is not None
    assert (access.api_url, access.api_key.get_secret_value()) == ("https://orders.example.com", "mine")


def test_a_name_that_is_no_setting_is_refused_there_too(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERS_API_UR", "https://orders.example.com")
    with pytest.raises(SettingsError, match="ORDERS_API_UR: there is no such setting"):
        load_access()


def test_a_broker_is_refused_beside_a_sqlite_file(environment: pytest.MonkeyPatch) -> None:
    assert "needs PostgreSQL" in refusal(environment, {"ORDERS_CELERY_BROKER_URL": "redis://localhost:6379/0"})


def test_a_broker_is_taken_beside_postgresql(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ORDERS_DATABASE_URL", "postgresql://orders@localhost/orders")
    environment.setenv("ORDERS_CELERY_BROKER_URL", "redis://localhost:6379/0")
    assert load().celery_broker_url is not None
