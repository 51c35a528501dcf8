"""The console: pages for the people who run the shop. Nobody enters it but the application, by its routes."""

from orders_service.console.lookout import Lookout

__all__ = ["Lookout"]
