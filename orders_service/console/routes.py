"""All pages of the console. Each view has routes and templates of its own."""

from fastapi import APIRouter

from orders_service.console import jobs_routes, overview_routes, sign_in_routes, static_files

router = APIRouter()
for each in (
    sign_in_routes.router,
    overview_routes.router,
    jobs_routes.router,
    static_files.router,
):
    router.include_router(each)
