"""The shop window: lists of products out of pages that this process has kept, and is sure of."""

from dataclasses import dataclass, field

from orders_service.inventory import page_queries
from orders_service.inventory.refreshing import PAGE_SIZE
from orders_service.inventory.rendering import RenderedPage, render
from pipelines import ReadSession

MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    """The pages of one revision."""

    revision: int
    pages: dict[tuple[str | None, int], RenderedPage] = field(default_factory=dict)


class Window:
    """Asks the database at each look which revision the catalog is in: a page of another one is not shown.

    So nobody sees a price that is older than the last commit they were told of, by whichever process. Looked into by
    many threads: what is kept is replaced as a whole.
    """

    def __init__(self) -> None:
        self._kept = _Kept(-1)

    def show(self, session: ReadSession, after: str | None, limit: int) -> str:
        """The list of products, as it is sent."""
        kept = self._kept
        if page := kept.pages.get((after, limit)):
            revision, available = page_queries.available_now(session, *page.span)
            if revision == kept.revision:
                return page.with_available(available)
        return self._look_again(session, after, limit)

    def _look_again(self, session: ReadSession, after: str | None, limit: int) -> str:
        """The revision is read first: what is kept may be newer than it says, and never older."""
        revision = page_queries.revision(session)
        page = _rendered_before(session, revision, after) if limit == PAGE_SIZE else None
        if page is None:
            page, available = render(session, after, limit)
        else:
            _, available = page_queries.available_now(session, *page.span)
        if page.products:
            self._keep(revision, (after, limit), page)
        return page.with_available(available)

    def _keep(self, revision: int, place: tuple[str | None, int], page: RenderedPage) -> None:
        kept = self._kept
        if kept.revision > revision:  # whoever was slower does not undo what others have seen
            return
        if kept.revision < revision or len(kept.pages) >= MOST_PAGES:
            self._kept = kept = _Kept(revision)
        kept.pages[place] = page


def _rendered_before(session: ReadSession, revision: int, after: str | None) -> RenderedPage | None:
    stored = page_queries.page(session, revision, after or "")
    page = RenderedPage.read(stored) if stored is not None else None
    return page if page is not None and page.products else None
