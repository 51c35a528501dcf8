"""The files that pages load: few, read once, and named by their content so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Response

from orders_service.problems import Problem

router = APIRouter(prefix="/console/static", include_in_schema=False)

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FILES = {path.name: path for path in (Path(__file__).parent / "static").iterdir() if path.suffix in _TYPES}
_CONTENTS = {name: path.read_bytes() for name, path in _FILES.items()}
_VERSIONS = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in _CONTENTS.items()}


def url_of(name: str) -> str:
    """Below the application's own prefix."""
    return f"/console/static/{_VERSIONS[name]}/{name}"


@router.get("/{version}/{name}")
async def static_file(version: str, name: str) -> Response:
    """Under the version of another release too: an old page may still be open."""
    if name not in _CONTENTS:
        raise Problem("not-found")
    is_current = version == _VERSIONS[name]
    return Response(
        _CONTENTS[name],
        media_type=_TYPES[_FILES[name].suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-store"},
    )
