"""Domain errors as problems: they know no HTTP, and here is what each means to a client."""

from collections.abc import Mapping

from orders_service import (
    accounts,
    api_keys,
    images,
    imports,
    inventory,
    operations,
    orders,
    reports,
    subscriptions,
    uploads,
)
from orders_service.auth import Forbidden, Unauthenticated
from orders_service.gateways import SignatureRefused
from orders_service.idempotency import IdempotencyKeyReused, InvalidIdempotencyKey
from orders_service.pages import UnfitCursor
from orders_service.preconditions import PreconditionFailed
from orders_service.problem_handlers import Translation
from orders_service.problems import Flaw, Problem
from pipelines import StateConflict


def _unknown_product(error: inventory.UnknownProduct) -> Problem:
    message = "This product is not in the catalog"
    flaws = [Flaw(location="body", pointer=f"/items/{place}/sku", message=message) for place in error.places]
    return Problem("invalid-request", "Some products are not in the catalog.", errors=flaws)


def _no_image(error: images.NoImage) -> Problem:
    return Problem("not-found", str(error), headers={"Retry-After": "1"} if error.may_come else None)


def _not_signed(_: SignatureRefused) -> Problem:
    words = "The signature is missing, wrong, or more than five minutes off."
    return Problem("unauthenticated", words, headers={"WWW-Authenticate": "StandardWebhooks"})


def _wrong_password(_: accounts.WrongPassword) -> Problem:
    flaw = Flaw(location="body", pointer="/password", message="This is not the password")
    return Problem("invalid-request", errors=[flaw])


def _period(error: reports.PeriodRefused) -> Problem:
    return Problem("invalid-request", errors=[Flaw(location="body", pointer=f"/{error.field}", message=str(error))])


def _unfit_file(error: imports.UnfitFile) -> Problem:
    return Problem("invalid-request", str(error), errors=[Flaw(location="body", pointer="/file", message=str(error))])


def _address_refused(error: subscriptions.AddressRefused) -> Problem:
    return Problem("invalid-request", errors=[Flaw(location="body", pointer="/url", message=str(error))])


def _conflict(error: StateConflict) -> Problem:
    """In the library's own words, which are of ids and states."""
    words = str(error)
    return Problem("state-conflict", f"{words[:1].upper()}{words[1:]}." if words else None)


TRANSLATIONS: Mapping[type[Exception], Translation] = {
    StateConflict: _conflict,
    Unauthenticated: lambda _: Problem("unauthenticated"),
    Forbidden: lambda _: Problem("forbidden"),
    SignatureRefused: _not_signed,
    InvalidIdempotencyKey: lambda _: Problem("invalid-idempotency-key"),
    IdempotencyKeyReused: lambda _: Problem("idempotency-key-conflict"),
    PreconditionFailed: lambda _: Problem("precondition-failed"),
    UnfitCursor: lambda _: Problem("invalid-request", "The cursor was given for another list, or not by us."),
    uploads.UploadTooLarge: lambda error: Problem("payload-too-large", str(error)),
    uploads.UploadGone: lambda _: Problem("unavailable", "The file was removed meanwhile: send it again."),
    accounts.UnknownUser: lambda _: Problem("not-found"),
    accounts.UserHasChanged: lambda _: Problem("precondition-failed"),
    accounts.WrongPassword: _wrong_password,
    api_keys.UnknownKey: lambda _: Problem("not-found"),
    imports.UnknownImport: lambda _: Problem("not-found"),
    imports.ImportEnded: lambda error: Problem("state-conflict", str(error)),
    imports.NotCsv: lambda error: Problem("unsupported-media-type", str(error)),
    imports.UnfitFile: _unfit_file,
    inventory.UnknownProduct: _unknown_product,
    images.NoProductToShow: lambda _: Problem("not-found"),
    images.NoImage: _no_image,
    images.UnfitImageType: lambda error: Problem("unsupported-media-type", str(error)),
    images.BrokenImage: lambda error: Problem("invalid-request", str(error)),
    inventory.NoSuchProduct: lambda _: Problem("not-found"),
    inventory.NotEnoughStock: lambda error: Problem("state-conflict", str(error)),
    inventory.ProductMoved: lambda error: Problem("state-conflict", str(error)),
    inventory.HoldMoved: lambda error: Problem("state-conflict", str(error)),
    operations.UnknownPipeline: lambda _: Problem("not-found"),
    orders.UnknownOrder: lambda _: Problem("not-found"),
    orders.NotCancellable: lambda error: Problem("state-conflict", str(error)),
    subscriptions.AddressRefused: _address_refused,
    subscriptions.UnknownEndpoint: lambda _: Problem("not-found"),
    subscriptions.UnknownDelivery: lambda _: Problem("not-found"),
    subscriptions.SubscriptionsError: lambda error: Problem("state-conflict", str(error)),
    orders.OrdersError: lambda error: Problem("invalid-request", str(error)),
    reports.UnknownReport: lambda _: Problem("not-found"),
    reports.PeriodRefused: _period,
    reports.ReportNotReady: lambda error: Problem("state-conflict", str(error)),
    reports.ReportHasEnded: lambda error: Problem("state-conflict", str(error)),
}
