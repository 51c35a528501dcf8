"""Swagger UI and its files, under names that change with their content, so that browsers keep them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

PAGE = "/docs"
_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES: Mapping[str, str] = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "start.js": "text/javascript",
    "favicon.png": "image/png",
}
STATIC: tuple[str, ...] = tuple(f"{PAGE}/{name}" for name in _MEDIA_TYPES)
_VERSIONS = {name: hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:16] for name in _MEDIA_TYPES}

_FOR_A_YEAR = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
# Images as data are the icons in the style sheet. What the script sets of styles at run time needs no permission.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _reference(name: str) -> str:
    """Relative to the page, so that it works behind whatever prefix."""
    return f"docs/{name}?v={_VERSIONS[name]}"


_HTML = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orders: the API</title>
<link rel="icon" type="image/png" href="{_reference("favicon.png")}">
<link rel="stylesheet" href="{_reference("swagger-ui.css")}">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the contract itself is <a href="openapi.json">openapi.json</a>.</noscript>
<script src="{_reference("swagger-ui-bundle.js")}"></script>
<script src="{_reference("start.js")}"></script>
</body>
</html>
"""


@router.get(PAGE)
async def page() -> HTMLResponse:
    """Show the contract."""
    return HTMLResponse(_HTML, headers={"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": _ASK_AGAIN})


class StaticFile:
    """One of its files. Kept for ever by whoever asks for it by its version; a page of another release does not.

    An object for each, because a route is known by its endpoint.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, v: str = "") -> FileResponse:
        """Send it."""
        return FileResponse(
            _FOLDER / self._name,
            media_type=_MEDIA_TYPES[self._name],
            headers={
                "Cache-Control": _FOR_A_YEAR if v == _VERSIONS[self._name] else _ASK_AGAIN,
                "Content-Security-Policy": "default-src 'none'",
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )


for _name in _MEDIA_TYPES:
    router.add_api_route(f"{PAGE}/{_name}", StaticFile(_name), name=_name)
