"""Functions as background tasks: stored by name with their arguments, and called again from what was stored."""

from pipelines.background.work import BackgroundWork, StoredTask, TaskBatch

__all__ = ["BackgroundWork", "StoredTask", "TaskBatch"]
