"""The SQL of the catalog's pages: which state the catalog is in, and what was rendered of it."""

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import col

from orders_service.inventory.tables import CatalogPage, CatalogState, Stock
from pipelines import ReadSession, Transaction

_THE_ROW = 1
_REVISION = select(col(CatalogState.revision)).where(col(CatalogState.id) == _THE_ROW)
_BEGIN_STATE = insert(CatalogState)
_RAISE_REVISION = (
    update(CatalogState).where(col(CatalogState.id) == bindparam("of")).values(revision=col(CatalogState.revision) + 1)
)
_AVAILABLE_NOW = select(col(Stock.sku), col(Stock.available), _REVISION.scalar_subquery()).where(
    col(Stock.sku).between(bindparam("first"), bindparam("last"))
)
_PAGE = select(col(CatalogPage.content)).where(
    col(CatalogPage.revision) == bindparam("revision"), col(CatalogPage.begins_after) == bindparam("after")
)
_KEEP_PAGE = insert(CatalogPage)
_FORGET_PAGES = delete(CatalogPage).where(col(CatalogPage.revision) < bindparam("now_at"))


def revision(session: ReadSession | Transaction) -> int:
    """Which one of its states the catalog is in; 0 before the first product."""
    return session.connection().execute(_REVISION).scalar_one_or_none() or 0


def raise_revision(tx: Transaction) -> None:
    """Once per batch: whoever compares sees only that it has moved."""
    if "catalog" in tx.noted:
        return
    tx.noted["catalog"] = True
    if tx.core.execute(_REVISION).scalar_one_or_none() is None:
        tx.defer(_BEGIN_STATE, {"id": _THE_ROW, "revision": 1})
    else:
        tx.defer(_RAISE_REVISION, {"of": _THE_ROW})


def available_now(session: ReadSession, first: str, last: str) -> tuple[int, dict[str, int]]:
    """The revision of the catalog, and how many of these are available, as of one moment."""
    rows = session.connection().execute(_AVAILABLE_NOW, {"first": first, "last": last}).all()
    return (rows[0][2] or 0 if rows else -1), {sku: free for sku, free, _ in rows}


def page(session: ReadSession | Transaction, revision: int, after: str) -> str | None:
    """The page that was rendered in the background at this revision."""
    return session.connection().execute(_PAGE, {"revision": revision, "after": after}).scalar_one_or_none()


def keep_page(tx: Transaction, revision: int, after: str, content: str) -> None:
    tx.defer(_KEEP_PAGE, {"revision": revision, "begins_after": after, "content": content})


def forget_pages(tx: Transaction, before: int) -> None:
    tx.defer(_FORGET_PAGES, {"now_at": before})
