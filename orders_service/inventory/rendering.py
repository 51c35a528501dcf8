"""Pages of the catalog, rendered once for each of its revisions: only how many are available is put in each time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orders_service.inventory import queries
from orders_service.inventory.schemas import ProductView
from orders_service.inventory.shelved import Shelved
from orders_service.pages import cursor_after
from pipelines import ReadSession, Transaction

CURSOR = "products"  # what cursors of this list are good for
_PLACEHOLDER = "0}"  # how a product ends whose last field is 0
_SHAPE = ",".join(ProductView.model_fields)


@dataclass(frozen=True)
class RenderedPage:
    """Each product as JSON up to where the number of those available goes."""

    products: Sequence[tuple[str, str]]
    has_more: bool

    @property
    def last(self) -> str:
        return self.products[-1][0]

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last SKU."""
        return self.products[0][0], self.last

    def with_available(self, available: Mapping[str, int]) -> str:
        """The page as it is sent."""
        items = ",".join(f"{begun}{available.get(sku, 0)}}}" for sku, begun in self.products)
        return f'{{"items":[{items}],"next":{self._next}}}'

    @cached_property
    def _next(self) -> str:
        return json.dumps(cursor_after(self.last, under=CURSOR) if self.has_more else None)

    def stored(self) -> str:
        return json.dumps([_SHAPE, self.products, self.has_more])

    @classmethod
    def read(cls, stored: str) -> "RenderedPage | None":
        """Nothing, if another release has rendered it, which shows other fields."""
        shape, products, has_more = json.loads(stored)
        return cls([(sku, begun) for sku, begun in products], has_more) if shape == _SHAPE else None


def render(session: ReadSession | Transaction, after: str | None, limit: int) -> tuple[RenderedPage, dict[str, int]]:
    """The page that begins after this SKU, and how many there are of each product on it."""
    found = queries.on_sale(session, after, limit + 1)
    shown = found[:limit]
    page = RenderedPage([(product.sku, _begun(product)) for product in shown], len(found) > limit)
    return page, {product.sku: product.available for product in shown}


def _begun(product: Shelved) -> str:
    view = ProductView.of(product).model_copy(update={"available": 0})
    return view.model_dump_json().removesuffix(_PLACEHOLDER)
