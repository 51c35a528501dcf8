"""What comes before the first request: a schema that fits, a catalog to order from, and a word of welcome."""

import asyncio
from pathlib import Path

from sqlalchemy.exc import OperationalError

from orders_service import audit, inventory, schema
from orders_service.carrying import check_carrier
from orders_service.outside import check_outside
from orders_service.serving import PortTaken
from orders_service.settings import DEVELOPMENT_KEY, Role, Settings
from pipelines import (
    AlreadyServed,
    JournalMoved,
    JournalTooOld,
    NoSession,
    NotMoved,
    OutcomeUnknown,
    Process,
    Transaction,
    WiringError,
)
from pipelines.journal import lock_of, parse_url

_WELCOME = """
  Console     {base}/console              what happens in the background; sign in with the key
  Orders      {base}/v1/orders
  API docs    {base}/docs
{everywhere}
  Key         {key}

  curl {base}/v1/orders \\
    -H "Authorization: Bearer {key}" -H 'Content-Type: application/json' \\
    -d '{{"customer_email": "ada@example.com", "items": [{{"sku": "LAMP-01", "quantity": 2}}], "shipping_address": \
{{"line1": "12 St James Square", "city": "London", "postal_code": "SW1Y 4JH", "country": "GB"}}}}'

  Ctrl-C stops; unfinished orders resume at the next start.
"""


_WELCOME_OF_WORKER = """
  Health      {base}/readyz
{everywhere}

  Ctrl-C stops; other processes carry on what it leaves.
"""
_EVERYWHERE = """\
  Metrics     {base}/metrics
  Warehouse   {base}/sandbox/warehouse    what the stand-in for the warehouse has received
  CRM         {base}/sandbox/crm          what the stand-in for the CRM knows of users
  Mailbox     {base}/sandbox/mailbox      what customers were told"""
_SEEDED = audit.Note(
    actor="orders seed", actor_type="command", action="catalog_seeded", subject_type="catalog", subject_id="products"
)


def advice(error: BaseException | None) -> str | None:
    """Say in a sentence what a person can mend; nothing about a bug, whose traceback says more."""
    match error:
        case JournalMoved(has_arrived=False):
            return f"{error} See: orders journal --help"
        case AlreadyServed() | JournalTooOld() | JournalMoved() | NoSession() | NotMoved() | OutcomeUnknown():
            return str(error)
        case PortTaken() | WiringError() | ValueError():
            return str(error)
        case OperationalError():  # its own text adds the statement and a link
            return f"The database cannot be used: {str(error.orig).splitlines()[0]}"
        case OSError(filename=file) if file is not None:
            return f"{file}: {error.strerror}."
        case _:
            return None


def prepare(settings: Settings) -> None:
    """Migrate, and offer something to order where there is nothing."""
    url = settings.database_url.get_secret_value()
    try:
        check(settings)
    except JournalTooOld:
        schema.migrate(url)
        seed(settings, None)


def check(settings: Settings) -> None:
    """Raise what would keep this process from working: settings, a file that is served, a schema that is older."""
    check_outside(settings)
    check_carrier(settings)
    url = settings.database_url.get_secret_value()
    lock = lock_of(parse_url(url))
    if lock is not None:
        lock.acquire()
        lock.release()
    schema.check(url)


def seed(settings: Settings, catalog: Path | None) -> int:
    """Add the products of a file, or a small catalog; says how many are new."""
    check(settings)
    entries = inventory.read_catalog(catalog) if catalog is not None else inventory.SMALL_CATALOG

    async def add() -> int:
        process = Process(settings.database_url.get_secret_value(), slots=0)
        await process.start(sweeping=False)
        try:
            return await process.write(_seed, entries)
        finally:
            await process.stop()

    return asyncio.run(add())


def _seed(tx: Transaction, entries: tuple[inventory.CatalogEntry, ...]) -> int:
    added = inventory.seed(tx, entries)
    if added:
        audit.record(tx, _SEEDED, after={"added": added})
    return added


def welcome(settings: Settings) -> str:
    """Where everything is, and a first order to copy for whoever takes orders."""
    base = settings.own_url
    everywhere = _EVERYWHERE.format(base=base)
    if settings.role is Role.WORKER:
        return _WELCOME_OF_WORKER.format(base=base, everywhere=everywhere)
    key = settings.admin_key.get_secret_value()
    shown = key if key == DEVELOPMENT_KEY else "$ORDERS_ADMIN_KEY"
    return _WELCOME.format(base=base, everywhere=everywhere, key=shown)
