"""The HTTP face of the catalog and its stock."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from orders_service.audit import Auditor
from orders_service.auth import Allowed, CurrentPrincipal, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.inventory import queries
from orders_service.inventory.adjusting import adjust_stock as adjust
from orders_service.inventory.changing import delete_product as delete
from orders_service.inventory.changing import put_product as put
from orders_service.inventory.errors import NoSuchProduct
from orders_service.inventory.moving import insist
from orders_service.inventory.rendering import CURSOR
from orders_service.inventory.schemas import (
    AdjustedProduct,
    MovementList,
    MovementView,
    ProductDraft,
    ProductList,
    ProductView,
    StockAdjustment,
    StockView,
)
from orders_service.inventory.skus import Sku
from orders_service.inventory.window import Window
from orders_service.pages import Page, cursor_after, name_of, place_of
from orders_service.preconditions import IfMatch, IfNoneMatch, IfNoneThere, Preconditions, is_known
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute

router = APIRouter(
    prefix="/v1/products", tags=["products"], route_class=StrictRoute, responses=responses(401, 422, 503)
)
CREATED, NOT_MODIFIED = 201, 304
Keeper = Annotated[Principal, Allowed(Scope.CATALOG_WRITE)]
_REVALIDATE = {"Cache-Control": "private, no-cache"}  # kept, but asked about each time: no price is shown unasked
_TAGGED: dict[str, Any] = {"headers": {"ETag": {"description": "Of what is shown.", "schema": {"type": "string"}}}}


@router.get("", response_model=Page[ProductView])
def list_products(
    request: Request,
    session: Reading,
    principal: CurrentPrincipal,  # noqa: ARG001 - asked for its effect
    which: Annotated[ProductList, Query()],
) -> Response:
    """List what is sold, by SKU. No price in it is older than the last change that was answered before it was asked."""
    window: Window = request.state.window
    after = name_of(which.cursor, under=CURSOR)
    return Response(window.show(session, after, which.limit), headers=_REVALIDATE, media_type="application/json")


@router.get(
    "/{sku}",
    response_model=ProductView,
    responses={200: _TAGGED, NOT_MODIFIED: {"description": "It is as the client knows it."}, **responses(404)},
)
def get_product(
    sku: Sku,
    session: Reading,
    principal: CurrentPrincipal,  # noqa: ARG001 - asked for its effect
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Show a product. Its `ETag` moves with all that is shown, so with each order that takes some of it, too."""
    product = queries.find(session, sku)
    if product is None or product.removed_at is not None:
        raise NoSuchProduct
    headers = {"ETag": product.etag, **_REVALIDATE}
    if is_known(if_none_match, product.etag):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(ProductView.of(product).model_dump_json(), headers=headers, media_type="application/json")


@router.put(
    "/{sku}",
    responses={
        200: _TAGGED,
        CREATED: {"model": ProductView, "description": "There was none.", **_TAGGED},
        **responses(400, 403, 409, 412, 413, 415),
    },
)
async def put_product(
    sku: Sku,
    draft: ProductDraft,
    *,
    principal: Keeper,  # noqa: ARG001 - asked for its effect
    auditor: Auditor,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneThere = None,
) -> ProductView:
    """Create a product (201), or replace it (200); one that was deleted is created again.

    `available` is set to what is said, besides what is held for orders; the difference is written down as a movement.
    With `If-Match` it is set only if nobody has changed the product or ordered it since it was read: without it, what
    was sold meanwhile is counted twice. An order that was accepted at another price and is not validated yet is
    rejected.
    """
    only_if = Preconditions(if_match, if_none_match)
    done = await insist(process_of(request), put, sku, draft, only_if, auditor("product_replaced", sku))
    response.headers["ETag"] = done.etag
    if done.is_new:
        response.status_code = CREATED
        response.headers["Location"] = f"/v1/products/{sku}"
    return done.product


@router.delete("/{sku}", status_code=204, responses=responses(403, 404, 409, 412))
async def delete_product(
    sku: Sku,
    principal: Keeper,  # noqa: ARG001 - asked for its effect
    auditor: Auditor,
    request: Request,
    if_match: IfMatch = None,
) -> None:
    """Stop selling a product. Orders that hold some of it are fulfilled, its history stays, a PUT brings it back."""
    await insist(process_of(request), delete, sku, Preconditions(if_match), auditor("product_deleted", sku))


@router.post(
    "/{sku}/stock",
    response_model=AdjustedProduct,
    responses={200: _TAGGED, **responses(400, 403, 404, 409, 412, 413, 415)},
)
async def adjust_stock(
    sku: Sku,
    adjustment: StockAdjustment,
    *,
    principal: Keeper,
    auditor: Auditor,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Change what is available by so many, for a reason. It never falls below 0: that is a 409.

    A difference is not repeatable: send an `Idempotency-Key`, and repeat the request with it when no answer comes.
    """
    done = await insist(
        process_of(request),
        adjust,
        sku,
        adjustment,
        once_key(request, principal, idempotency_key),
        only_if=Preconditions(if_match),
        note=auditor("stock_adjusted", sku, subject_type="product"),
    )
    return done.answer.response({"ETag": done.etag} if done.etag is not None else {})


@router.get("/{sku}/stock", responses=responses(403, 404))
def show_stock(
    sku: Sku,
    session: Reading,
    principal: Keeper,  # noqa: ARG001 - asked for its effect
    which: Annotated[MovementList, Query()],
) -> StockView:
    """Show where all of a product is, and what came and went by whose word, newest first; also of a deleted one."""
    under = f"movements of {sku}"
    product = queries.find(session, sku)
    if product is None:
        raise NoSuchProduct
    found = queries.movements(session, sku, place_of(which.cursor, under=under), which.limit + 1)
    shown = found[: which.limit]
    return StockView(
        sku=sku,
        available=product.available,
        reserved=product.reserved,
        consumed=product.consumed,
        removed_at=product.removed_at,
        items=[MovementView.of(movement) for movement in shown],
        next=cursor_after(shown[-1].id, under=under) if len(found) > which.limit else None,
    )
