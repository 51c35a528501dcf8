"""The outside world as the settings describe it: opened for as long as the process runs, checked before it starts."""

from contextlib import AsyncExitStack
from typing import Any

from orders_service.gateways import (
    DestinationRefused,
    Guard,
    HttpSubscribers,
    HttpWarehouse,
    Mail,
    Mailbox,
    SmtpMail,
    Subscribers,
    Warehouse,
    open_http_session,
)
from orders_service.settings import Settings, SettingsError


async def open_gateways(settings: Settings, stack: AsyncExitStack) -> dict[Any, object]:
    """What steps ask for by type; closed with the stack."""
    guard = guard_of(settings)
    session = await stack.enter_async_context(open_http_session(guard))
    warehouse = HttpWarehouse(
        session,
        guard.admit(settings.warehouse_url),
        settings.fulfillment_secrets,
        timeout_seconds=settings.fulfillment_timeout_seconds,
    )
    for_subscribers = await stack.enter_async_context(open_http_session(guard))  # theirs: a rush shares no connection
    mail = _mail(settings)
    if isinstance(mail, SmtpMail):
        stack.push_async_callback(mail.close)
    return {Warehouse: warehouse, Mail: mail, Subscribers: HttpSubscribers(for_subscribers, guard)}


def check_outside(settings: Settings) -> None:
    """Find out before anything starts what opening the outside world would raise. Raises `SettingsError`."""
    try:
        guard_of(settings).admit(settings.warehouse_url)
    except DestinationRefused as error:
        raise SettingsError(f"ORDERS_FULFILLMENT_URL: {error}") from None
    try:
        _mail(settings)
    except ValueError as error:
        raise SettingsError(f"ORDERS_SMTP_URL or ORDERS_SMTP_SENDER: {error}") from None


def guard_of(settings: Settings) -> Guard:
    """What outgoing calls may reach."""
    return Guard(settings.allowed_networks, allow_http=settings.is_development)


def _mail(settings: Settings) -> Mail:
    if settings.smtp_url is None:
        return Mailbox(settings.data_dir / "mailbox", sender=settings.smtp_sender)
    return SmtpMail(settings.smtp_url.get_secret_value(), settings.smtp_sender)
