"""Renders pages: templates that escape everything, and headers that let a page load nothing but our own files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders

from orders_service.console.static_files import url_of
from orders_service.console.visits import Visit

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # without any, browsers would hide from us where a form comes from
}
_SEE_OTHER = 303
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, name: str, visit: Visit | None = None, *, status: int = 200, **shown: Any) -> HTMLResponse:
    """The page of this template. What is done in templates with `base` works behind a path prefix too."""
    return HTMLResponse(fragment(request, name, visit, **shown), status, _HEADERS)


def fragment(request: Request, name: str, visit: Visit | None = None, **shown: Any) -> str:
    """The same as text, for a part of a page that is sent by itself."""
    around = {
        "base": request.scope.get("root_path", ""),
        "path": request.url.path,
        "visit": visit,
        "has_sandbox": hasattr(request.app.state, "sandbox"),
        "now": datetime.now(UTC),
    }
    return _templates.get_template(name).render(around | shown)


def to_page(request: Request, path: str) -> RedirectResponse:
    """Lead to another page, by GET whatever was sent. `path` begins below the application's own prefix."""
    return RedirectResponse(request.scope.get("root_path", "") + path, _SEE_OTHER)


def add_headers(headers: MutableHeaders) -> None:
    """For an answer of the console that is no page."""
    headers.update(_HEADERS)


def moment(at: datetime | None) -> str:
    """In UTC, to the second, as people read it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at is not None else "\N{EN DASH}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, or in how long: one unit is enough."""
    if at is None:
        return "\N{EN DASH}"
    seconds = (now - at).total_seconds()
    return f"{lasted(seconds)} ago" if seconds >= 0 else f"in {lasted(-seconds)}"


def lasted(seconds: float | timedelta) -> str:
    """A length of time in its largest unit; below ten seconds with a fraction."""
    seconds = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - as said
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} days"


_templates.globals["static"] = url_of
_templates.filters |= {"moment": moment, "ago": ago, "lasted": lasted}
