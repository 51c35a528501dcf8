"""Wake-ups over Celery, on Redis or RabbitMQ; nothing else in this package imports it."""

try:
    import celery as _celery
except ModuleNotFoundError as error:
    from pipelines.errors import WiringError

    raise WiringError('This needs Celery: pip install "celery[redis]"') from error

from pipelines.carriers.celery.application import celery_app
from pipelines.carriers.celery.hosting import CANNOT_START, CannotStart, host
from pipelines.carriers.celery.publishing import CeleryCarrier

__all__ = ["CANNOT_START", "CannotStart", "CeleryCarrier", "celery_app", "host"]

del _celery
