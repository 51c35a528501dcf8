"""What is on the shelves now."""

from collections.abc import Iterator
from heapq import nsmallest

from orders_service import inventory
from orders_service.reports.contents import MOST_PRODUCTS, ShelfEntry, StockResult
from orders_service.reports.pace import Pace
from orders_service.reports.requests import ReportRequest
from pipelines import ReadSession


def count_stock(session: ReadSession, request: ReportRequest, pace: Pace) -> StockResult:
    """All products, and those that run out first. Raises what `pace` raises."""
    counted = [0, 0]

    def each() -> Iterator[inventory.ShelfRow]:
        for row in inventory.shelf_rows(session):
            pace.at(0, 1)  # nobody knows yet how many there are
            counted[row.available > 0] += 1
            yield row

    rows = nsmallest(MOST_PRODUCTS, each(), key=lambda row: (row.available, row.sku))
    return StockResult(
        as_of=request.requested_at,
        products_in_stock=counted[True],
        products_out_of_stock=counted[False],
        products=tuple(ShelfEntry(**row._asdict()) for row in rows),
        products_left_out=sum(counted) - len(rows),
    )
