"""Domain errors as problems: they know no HTTP, and here is what each means to a client."""

from collections.abc import Mapping

from orders_service import inventory, orders, subscriptions, uploads
from orders_service.auth import Forbidden, Unauthenticated
from orders_service.idempotency import IdempotencyKeyReused, InvalidIdempotencyKey
from orders_service.pages import UnfitCursor
from orders_service.problem_handlers import Translation
from orders_service.problems import Flaw, Problem


def _unknown_product(error: inventory.UnknownProduct) -> Problem:
    message = "This product is not in the catalog"
    flaws = [Flaw(location="body", pointer=f"/items/{place}/sku", message=message) for place in error.places]
    return Problem("invalid-request", "Some products are not in the catalog.", errors=flaws)


def _address_refused(error: subscriptions.AddressRefused) -> Problem:
    return Problem("invalid-request", errors=[Flaw(location="body", pointer="/url", message=str(error))])


TRANSLATIONS: Mapping[type[Exception], Translation] = {
    Unauthenticated: lambda _: Problem("unauthenticated"),
    Forbidden: lambda _: Problem("forbidden"),
    InvalidIdempotencyKey: lambda _: Problem("invalid-idempotency-key"),
    IdempotencyKeyReused: lambda _: Problem("idempotency-key-conflict"),
    UnfitCursor: lambda _: Problem("invalid-request", "The cursor was given for another list, or not by us."),
    uploads.UploadTooLarge: lambda error: Problem("payload-too-large", str(error)),
    inventory.UnknownProduct: _unknown_product,
    orders.UnknownOrder: lambda _: Problem("not-found"),
    orders.NotCancellable: lambda error: Problem("state-conflict", str(error)),
    subscriptions.AddressRefused: _address_refused,
    subscriptions.UnknownEndpoint: lambda _: Problem("not-found"),
    subscriptions.UnknownDelivery: lambda _: Problem("not-found"),
    subscriptions.SubscriptionsError: lambda error: Problem("state-conflict", str(error)),
    orders.OrdersError: lambda error: Problem("invalid-request", str(error)),
}
