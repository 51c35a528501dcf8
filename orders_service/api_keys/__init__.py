"""API keys over HTTP: issued, listed and revoked by admins. The front door of this slice."""

from orders_service.api_keys.errors import UnknownKey

__all__ = ["UnknownKey"]
