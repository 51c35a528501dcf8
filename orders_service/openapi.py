"""The HTTP contract as a document: `openapi.json` beside the code is what clients are made from."""

import json
from typing import Any

from orders_service.app import create_app
from orders_service.settings import Profile, Role, Settings


def document() -> dict[str, Any]:
    """The contract, whatever this machine's settings are."""
    return create_app(Settings(profile=Profile.DEVELOPMENT, host="127.0.0.1", role=Role.ALL)).openapi()


def written() -> str:
    """As it is committed: `orders openapi > openapi.json`."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
