"""For FastAPI applications."""

from pipelines.fastapi.lifespan import running

__all__ = ["running"]
