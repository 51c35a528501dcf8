"""The webhooks that we send, described for those who receive them; nothing here is ever called."""

from fastapi import APIRouter

from orders_service.webhooks import subscribers, warehouse

router = APIRouter()
router.include_router(warehouse.router)
router.include_router(subscribers.router)
