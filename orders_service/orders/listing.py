"""Lists of orders: asked for by what is shown of them, looked up by what is stored of them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from orders_service.ids import first_id_at
from orders_service.orders import queries
from orders_service.orders.queries import Wanted
from orders_service.orders.schemas import OPEN_STATUSES, OrderStatus, OrderView
from orders_service.orders.viewing import view_all
from orders_service.pages import Limit, Page, cursor_after, place_of
from orders_service.strict_models import StrictModel, Timestamp
from pipelines import ReadSession

MOST_LOOKS = 10  # for a page full of what is wanted, when the table alone cannot tell
_CLOCKS_DIFFER_BY = timedelta(days=1)  # an id is of the machine's clock, which may have been set since


class OrderFilter(StrictModel):
    """Which orders to list."""

    status: list[Annotated[OrderStatus, Field(strict=False)]] = Field(
        default_factory=list,
        max_length=len(OrderStatus),
        description="Those in one of these states; what is still being undone is found when that is done.",
    )
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None
    cursor: str | None = Field(default=None, max_length=1000)
    limit: Limit = Field(default=50, strict=False)

    @property
    def stored_statuses(self) -> list[str]:
        """All that are open are stored as `pending`."""
        return sorted({"pending" if each in OPEN_STATUSES else each.value for each in self.status})

    def admits(self, view: OrderView) -> bool:
        return not self.status or view.status in self.status


def list_page(session: ReadSession, which: OrderFilter, principal: str | None) -> Page[OrderView]:
    """A page of orders, newest first; of one principal unless `None`. Raises `UnfitCursor`."""
    under = f"orders of {principal} {which.model_dump_json(exclude={'cursor', 'limit'}, exclude_defaults=True)}"
    place, more, found = place_of(which.cursor, under=under), True, list[OrderView]()
    for _ in range(MOST_LOOKS):
        orders = queries.newest(session, _wanted(which, principal, place), most=which.limit + 1)
        views = view_all(session, orders[: which.limit])
        found += list(filter(which.admits, views))[: which.limit - len(found)]
        is_full = len(found) == which.limit
        last = found[-1] if is_full else views[-1] if views else None
        more = len(orders) > which.limit or (last is not None and last is not views[-1])
        place = last.id if last is not None else place
        if is_full or not more:
            break
    return Page(items=found, next=cursor_after(place, under=under) if more and place is not None else None)


def _wanted(which: OrderFilter, principal: str | None, place: UUID | None) -> Wanted:
    after, before = which.created_after, which.created_before
    ends = [place] if place is not None else []
    if before is not None:
        ends.append(first_id_at(before, shifted_by=_CLOCKS_DIFFER_BY))
    return Wanted(
        principal=principal,
        statuses=which.stored_statuses,
        created_after=after,
        created_before=before,
        from_id=first_id_at(after, shifted_by=-_CLOCKS_DIFFER_BY) if after is not None else None,
        before_id=min(ends, default=None),
    )
