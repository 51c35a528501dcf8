import sys

import pytest
from pydantic import SecretStr

from orders_service.carrying import carrier_of, celery_of, check_carrier
from orders_service.settings import Settings, SettingsError
from pipelines.carriers.celery import CeleryCarrier

PASSWORD = "open-sesame"
BROKEN = "redis://:open-sesame@127.0.0.1:1/0"


def settings(broker: str | None) -> Settings:
    url = SecretStr(broker) if broker is not None else None
    return Settings(database_url=SecretStr("postgresql://orders@db/orders"), celery_broker_url=url)


def test_where_no_broker_is_set_there_is_no_carrier() -> None:
    assert carrier_of(settings(None)) is None


def test_where_a_broker_is_set_wake_ups_go_there() -> None:
    assert isinstance(carrier_of(settings(BROKEN)), CeleryCarrier)


def test_what_celery_says_of_its_broker_does_not_tell_the_password() -> None:
    app = celery_of(settings(BROKEN))
    assert PASSWORD not in app.connection_for_read().as_uri()


def test_a_celery_worker_without_a_broker_is_told_the_other_way() -> None:
    with pytest.raises(SettingsError, match="orders work"):
        celery_of(settings(None))


@pytest.mark.parametrize(("broker", "missing"), [(BROKEN, "celery"), (BROKEN, "redis"), ("amqp://host//", "amqp")])
def test_what_is_not_installed_is_a_sentence(broker: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SettingsError, match=r"pip install .orders-service\[celery\]"):
        check_carrier(settings(broker))
