"""Moments that people type into a form: in UTC, as the console shows them."""

from datetime import UTC, datetime

from orders_service.problems import Flaw, Problem

LONGEST_MOMENT = 40


def moment_in(text: str, *, field: str, location: str = "query") -> datetime | None:
    """None for an empty field. Problem `invalid-request` for what is no moment."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = "Write it like 2026-11-28T12:00, in UTC"
        flaw = Flaw.model_validate({"location": location, "pointer": f"/{field}", "message": message})
        raise Problem("invalid-request", errors=[flaw]) from None


def typed(moment: datetime) -> str:
    """As a field for date and time wants to be filled in."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"
