"""All pages of the console. Each view has routes and templates of its own."""

from fastapi import APIRouter

from orders_service.console import (
    audit_routes,
    bulk_routes,
    dead_letters_routes,
    elsewhere_routes,
    jobs_routes,
    overview_routes,
    run_routes,
    runs_routes,
    sandbox_routes,
    schedules_routes,
    sign_in_routes,
    static_files,
    webhook_steering_routes,
    webhooks_routes,
)

router = APIRouter()
for each in (
    sign_in_routes.router,
    overview_routes.router,
    run_routes.router,
    runs_routes.router,
    bulk_routes.router,
    dead_letters_routes.router,
    schedules_routes.router,
    webhooks_routes.router,
    webhook_steering_routes.router,
    audit_routes.router,
    sandbox_routes.router,
    jobs_routes.router,
    static_files.router,
    elsewhere_routes.router,  # last: it takes what no other does
):
    router.include_router(each)
