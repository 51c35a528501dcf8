"""The outside world as the settings describe it: opened for as long as the process runs, checked before it starts."""

from contextlib import AsyncExitStack
from typing import Any

from orders_service.gateways import (
    Crm,
    DestinationRefused,
    Guard,
    HttpCrm,
    HttpSubscribers,
    HttpWarehouse,
    Mail,
    Mailbox,
    NoCrm,
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
    crm: Crm = NoCrm()
    if (crm_url := settings.crm_base_url) is not None:
        token = settings.crm_token.get_secret_value() if settings.crm_token is not None else None
        crm = HttpCrm(session, guard.admit(crm_url), token=token)
    for_subscribers = await stack.enter_async_context(open_http_session(guard))  # theirs: a rush shares nothing of it
    mail = _mail(settings)
    if isinstance(mail, SmtpMail):
        stack.push_async_callback(mail.close)
    return {Warehouse: warehouse, Mail: mail, Crm: crm, Subscribers: HttpSubscribers(for_subscribers, guard)}


def check_outside(settings: Settings) -> None:
    """Find out before anything starts what opening the outside world would raise. Raises `SettingsError`."""
    for name, url in (("ORDERS_FULFILLMENT_URL", settings.warehouse_url), ("ORDERS_CRM_URL", settings.crm_base_url)):
        try:
            if url is not None:
                guard_of(settings).admit(url)
        except DestinationRefused as error:
            raise SettingsError(f"{name}: {error}") from None
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
