"""How the contract speaks of event streams: FastAPI does so in OpenAPI 3.2, and says that its document is 3.1."""

from typing import Any

from fastapi import FastAPI

_MEDIA_TYPE = "text/event-stream"


def install(app: FastAPI) -> None:
    """Every stream of `app` is described in a way that readers of 3.1 know."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        for path in document.get("paths", {}).values():
            for operation in path.values():
                _say_in_3_1(operation)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend its OpenAPI


def _say_in_3_1(operation: dict[str, Any]) -> None:
    for answer in operation.get("responses", {}).values():
        stream = answer.get("content", {}).get(_MEDIA_TYPE, {})
        if stream.pop("itemSchema", None):
            stream["schema"] = {"type": "string"}
