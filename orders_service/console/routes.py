"""All pages of the console. Each view has routes and templates of its own."""

from fastapi import APIRouter

from orders_service.console import overview_routes, run_routes, sign_in_routes, static_files

router = APIRouter()
for each in (
    sign_in_routes.router,
    overview_routes.router,
    run_routes.router,
    static_files.router,
):
    router.include_router(each)
