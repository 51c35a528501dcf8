"""Puts the service together: settings in, application out. It only wires."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any, TypedDict

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from orders_service import (
    accounts,
    api_docs,
    edge,
    event_streams,
    health,
    images,
    imports,
    orders,
    problem_handlers,
    reports,
    subscriptions,
    webhooks,
)
from orders_service.accounts import routes as accounts_routes
from orders_service.api_keys import routes as api_keys_routes
from orders_service.api_text import DESCRIPTION, TAGS
from orders_service.audit import routes as audit_routes
from orders_service.auth import Keyring
from orders_service.background import PIPELINES, schedules_of
from orders_service.carrying import carrier_of
from orders_service.console import Lookout
from orders_service.console import routes as console_routes
from orders_service.forms import FORM_OVERHEAD_BYTES
from orders_service.fulfillment import routes as fulfillment_routes
from orders_service.gateways import Guard, Signatures
from orders_service.health import Pinger
from orders_service.images import routes as images_routes
from orders_service.imports import routes as imports_routes
from orders_service.inside import Inside
from orders_service.instruments import Instruments
from orders_service.inventory import Window
from orders_service.inventory import routes as inventory_routes
from orders_service.metrics import MOST_SCRAPES, metrics
from orders_service.operations import routes as operations_routes
from orders_service.orders import routes as orders_routes
from orders_service.outside import guard_of, open_gateways
from orders_service.refusals import TRANSLATIONS
from orders_service.reports import routes as reports_routes
from orders_service.sandbox import Sandbox
from orders_service.sandbox import router as sandbox_router
from orders_service.settings import DEVELOPMENT_KEY, Role, Settings
from orders_service.subscriptions import routes as subscriptions_routes
from orders_service.traces import TELEMETRY
from pipelines import Process, Rhythm
from pipelines.fastapi import running
from pipelines.telemetry import StructuredLogs, Tracing, current_traceparent, is_tracing_on

OWNERS_OF_RUNS = tuple(each.owner_of_run for each in (orders, images, accounts, imports, reports, subscriptions))
LARGER_BODIES = {
    "/v1/products/{sku}/image": images.MOST_IMAGE_BYTES + FORM_OVERHEAD_BYTES,
    "/v1/imports": imports.MOST_BYTES + FORM_OVERHEAD_BYTES,
}


class State(TypedDict):
    """What requests find in `request.state`."""

    process: Process
    keyring: Keyring
    doorman: accounts.Doorman
    pinger: Pinger
    guard: Guard
    window: Window
    warehouse_signatures: Signatures


def operation_id(route: APIRoute) -> str:
    """Stable: what the operation is about, and what it is called."""
    return f"{next(iter(route.tags), 'api')}_{route.name}"


def _together(*parts: APIRouter) -> APIRouter:
    whole = APIRouter(generate_unique_id_function=operation_id)
    for part in parts:
        whole.include_router(part)
    return whole


# Put together once: reading the signatures of eighty endpoints takes a quarter of a second, and tests make applications
# by the thousand.
_PARTS = _together(
    orders_routes.router,
    inventory_routes.router,
    images_routes.router,
    accounts_routes.router,
    api_keys_routes.router,
    imports_routes.router,
    reports_routes.router,
    subscriptions_routes.router,
    operations_routes.make_router(PIPELINES, OWNERS_OF_RUNS),
    audit_routes.router,
    fulfillment_routes.router,
    console_routes.router,
)
_OF_EACH_ROLE = _together(health.router, api_docs.router)
_OF_EACH_ROLE.add_api_route("/metrics", metrics, include_in_schema=False)
_SANDBOX = _together(sandbox_router)
_VERSION = version("orders-service")


def create_app(
    settings: Settings,
    *,
    gateways: Mapping[Any, object] | None = None,
    hear_signals: bool = False,
    **process_options: Any,
) -> FastAPI:
    """Make the application.

    `gateways` stand in for the outside world; `process_options` (clock, dice, schedules, ...) go to its `Process`.
    With `hear_signals` it begins to drain at a signal, where the server does not tell it to.
    """
    instruments = Instruments(schedules_of(settings), version=_VERSION, commit=settings.commit)
    app = FastAPI(
        title="Orders",
        version=_VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=_lifespan(
            settings,
            instruments,
            gateways,
            hear_signals=hear_signals,
            subscribers=[instruments.steps, StructuredLogs()],
            **({"origin": current_traceparent} | process_options),
        ),
        docs_url=None,  # FastAPI's come from a CDN
        redoc_url=None,
        redirect_slashes=False,  # the redirect would be built from whatever Host the client sent
        generate_unique_id_function=operation_id,
        telemetry=TELEMETRY,
    )
    problem_handlers.install(app, TRANSLATIONS)
    event_streams.install(app)
    app.state.registry, app.state.scrapes = instruments.scraped, CapacityLimiter(MOST_SCRAPES)
    _mount(app, settings)
    edge.install(app, edge.Limits(larger_bodies=LARGER_BODIES), instruments.http)
    return app


def _lifespan(
    settings: Settings,
    instruments: Instruments,
    gateways: Mapping[Any, object] | None,
    *,
    hear_signals: bool,
    **process_options: Any,
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            inside, outside = Inside(settings), gateways or await open_gateways(settings, stack)
            provide = {**instruments.outgoing.around(outside), **inside.provided}
            process = _process(settings, provide=provide, **process_options)
            inside.open(process)
            instruments.follow(process)
            if is_tracing_on():  # a provider is set before the application starts, by code or by OTEL_*
                process.events.subscribe(Tracing())
            app.state.process = await stack.enter_async_context(running(process, hear_signals=hear_signals))
            stack.enter_context(instruments.reading(process))
            app.state.lookout = Lookout(process)
            keyring = Keyring(process.readers, settings.admin_key.get_secret_value(), process.clock)
            doorman = accounts.Doorman(sessions_last=timedelta(hours=settings.session_hours))
            stack.callback(doorman.close)
            yield {
                "process": process,
                "keyring": keyring,
                "doorman": doorman,
                "pinger": Pinger(process.readers),
                "guard": guard_of(settings),
                "window": Window(),
                "warehouse_signatures": Signatures(settings.fulfillment_secrets),
            }

    return lifespan


def _process(settings: Settings, **options: Any) -> Process:
    usual: dict[str, Any] = {
        "slots": 0 if settings.role is Role.API else settings.worker_slots,
        "connections": settings.database_connections,
        "rhythm": Rhythm(lease=timedelta(seconds=settings.lease_seconds)),
        "schedules": schedules_of(settings),
        "retention": settings.retention,
        "carrier": carrier_of(settings),
    }
    return Process(settings.database_url.get_secret_value(), PIPELINES, **usual | options)


def _mount(app: FastAPI, settings: Settings) -> None:
    if settings.role is not Role.WORKER:
        app.router.routes.extend(_PARTS.routes)  # first: routes are tried in this order
    app.webhooks.include_router(webhooks.router)
    app.router.routes.extend(_OF_EACH_ROLE.routes)
    if settings.is_development:  # a worker too: it calls the stand-ins at its own address
        app.state.sandbox = Sandbox.opened(
            settings.data_dir, secrets=settings.fulfillment_secrets, sender=settings.smtp_sender
        )
        app.router.routes.extend(_SANDBOX.routes)
        if settings.admin_key.get_secret_value() == DEVELOPMENT_KEY:
            app.state.development_key = DEVELOPMENT_KEY  # the console says so to whoever asks
