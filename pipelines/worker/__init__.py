"""The part of a process that claims runs and takes them from step to step."""

from pipelines.worker.hand import Interruption
from pipelines.worker.performing import Performer
from pipelines.worker.runner import Dice, Runner
from pipelines.worker.slots import Slots
from pipelines.worker.sweep import Rhythm, Sweep
from pipelines.worker.wiring import WiredPipeline, wire
from pipelines.worker.worker import Worker

__all__ = ["Dice", "Interruption", "Performer", "Rhythm", "Runner", "Slots", "Sweep", "WiredPipeline", "Worker", "wire"]
