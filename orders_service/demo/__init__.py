"""A crash to watch: a server is killed at its work and started again, and every effect is counted."""

from orders_service.demo.story import tell
from orders_service.demo.verdict import ALL_WELL, Evidence, flaws, summed_up

__all__ = ["ALL_WELL", "Evidence", "flaws", "summed_up", "tell"]
