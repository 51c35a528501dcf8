"""For FastAPI applications."""

from pipelines.background import BackgroundWork
from pipelines.errors import TaskRefused
from pipelines.fastapi.lifespan import durable, process_of, running
from pipelines.fastapi.runs import run_router
from pipelines.fastapi.tasks import BackgroundTasks, TaskList
from pipelines.fastapi.writing import Write, Writer

__all__ = [
    "BackgroundTasks",
    "BackgroundWork",
    "TaskList",
    "TaskRefused",
    "Write",
    "Writer",
    "durable",
    "process_of",
    "run_router",
    "running",
]
