"""How workers on other machines hear at once of what was accepted here: over Celery, where a broker is set."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from orders_service.settings import Settings, SettingsError
from pipelines import Carrier

if TYPE_CHECKING:  # whoever has no broker need not have Celery
    from celery import Celery

_CLIENTS = {"redis": "redis", "rediss": "redis", "amqp": "amqp", "amqps": "amqp"}


def carrier_of(settings: Settings) -> Carrier | None:
    """What takes wake-ups to the broker; nothing when there is none."""
    if settings.celery_broker_url is None:
        return None
    from pipelines.carriers.celery import CeleryCarrier  # noqa: PLC0415 - see above

    return CeleryCarrier(celery_of(settings))


def celery_of(settings: Settings) -> "Celery":
    """The Celery application, which publishers and workers share. Raises `SettingsError` where no broker is set."""
    if settings.celery_broker_url is None:
        raise SettingsError(
            "ORDERS_CELERY_BROKER_URL is not set, and a Celery worker hears of work by its broker. "
            "Set it for this worker and for those who accept orders, or do without Celery: orders work"
        )
    check_carrier(settings)
    from pipelines.carriers.celery import celery_app  # noqa: PLC0415 - see above

    return celery_app("orders", settings.celery_broker_url.get_secret_value())


def check_carrier(settings: Settings) -> None:
    """Raise `SettingsError` when a broker is set, and what speaks to it is not installed."""
    if settings.celery_broker_url is None:
        return
    scheme = settings.celery_broker_url.get_secret_value().partition(":")[0]
    if find_spec("celery") is None or find_spec(_CLIENTS[scheme]) is None:
        raise SettingsError('ORDERS_CELERY_BROKER_URL needs Celery: pip install "orders-service[celery]"')
