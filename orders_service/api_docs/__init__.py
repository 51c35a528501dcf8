"""The contract as a page to read and to try out, from files of our own: it needs no internet."""

from orders_service.api_docs.routes import PAGE, STATIC, router

__all__ = ["PAGE", "STATIC", "router"]
