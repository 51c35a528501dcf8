"""After a product has changed, the pages that most readers ask for are rendered again in the background.

That makes the first reader quick, and nothing more: what is right is decided by each reader, who compares revisions.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.inventory import page_queries
from orders_service.inventory.rendering import render
from pipelines import Pipeline, Transaction, start

PAGE_SIZE = 50  # what a list has unless it is asked for otherwise
FRONT_PAGES = 4  # as many as are rendered in one short transaction


class CatalogChanged(BaseModel):
    """When the refresh begins: all changes of the second before are in it."""

    model_config = ConfigDict(frozen=True)

    at: datetime


refresh_catalog = Pipeline("refresh-catalog", CatalogChanged)


@refresh_catalog.step()
def render_front_pages(changed: CatalogChanged, tx: Transaction) -> None:  # noqa: ARG001 - a step has an input
    """The revision is read first: a page may be newer than it says, and never older."""
    revision = page_queries.revision(tx)
    if page_queries.page(tx, revision, "") is not None:
        return
    page_queries.forget_pages(tx, revision)
    after: str | None = None
    for _ in range(FRONT_PAGES):
        page = render(tx, after, PAGE_SIZE)[0]
        page_queries.keep_page(tx, revision, after or "", page.stored())
        if not page.has_more:
            break
        after = page.last


def start_refresh(tx: Transaction) -> None:
    """One for all changes of a second, however many there are."""
    begins = tx.home.clock.now().replace(microsecond=0) + timedelta(seconds=1)
    start(tx, refresh_catalog, CatalogChanged(at=begins), key=f"catalog@{begins.isoformat()}", due_at=begins)
