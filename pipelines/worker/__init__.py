"""The part of a process that claims runs and takes them from step to step."""

from pipelines.worker.faults import Commit, Faults, Performs
from pipelines.worker.hand import Interruption
from pipelines.worker.performing import Performer
from pipelines.worker.pruning import Pruner
from pipelines.worker.runner import Dice, Runner
from pipelines.worker.slots import Slots
from pipelines.worker.steering import Steering
from pipelines.worker.steering_many import Steered, SteeringMany
from pipelines.worker.sweep import Rhythm, Sweep
from pipelines.worker.ticking import Ticker
from pipelines.worker.upkeep import Upkeep
from pipelines.worker.wiring import WiredPipeline, wire
from pipelines.worker.worker import Worker

__all__ = [
    "Commit",
    "Dice",
    "Faults",
    "Interruption",
    "Performer",
    "Performs",
    "Pruner",
    "Rhythm",
    "Runner",
    "Slots",
    "Steered",
    "Steering",
    "SteeringMany",
    "Sweep",
    "Ticker",
    "Upkeep",
    "WiredPipeline",
    "Worker",
    "wire",
]
