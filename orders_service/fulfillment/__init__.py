"""What the warehouse tells us of its own accord: received once, and applied in the background. The front door."""

from orders_service.fulfillment.applying import apply_event
from orders_service.fulfillment.forgetting import forget_events, forgotten_before

__all__ = ["apply_event", "forget_events", "forgotten_before"]
