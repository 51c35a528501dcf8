"""Which order and which run a request was about: ids that its access line carries."""

from uuid import UUID

from fastapi import Request
from starlette.types import Scope

_NAMES = ("order_id", "run_id")


def note_subject(request: Request, **ids: UUID | str) -> None:
    """For what an endpoint learns or makes: `order_id`, `run_id`. Those of its path are known without it."""
    request.scope["state"]["subject"] = {name: str(each) for name, each in ids.items()}


def subject_of(scope: Scope) -> dict[str, str]:
    """What was noted, and what the path names, if it is an id: a client may write anything there."""
    in_path = scope.get("path_params") or {}
    found = {name: id_ for name in _NAMES if (id_ := _id(in_path.get(name))) is not None}
    noted: dict[str, str] = scope["state"].get("subject", {})
    return found | noted


def _id(text: object) -> str | None:
    try:
        return str(UUID(str(text))) if text is not None else None
    except ValueError:
        return None
