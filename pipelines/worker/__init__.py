"""The part of a process that claims runs and takes them from step to step."""

from pipelines.worker.faults import Commit, Faults, Performs
from pipelines.worker.hand import Interruption
from pipelines.worker.household import Household
from pipelines.worker.news import AttemptMade, RunNews, RunStands
from pipelines.worker.pauses import Pauses
from pipelines.worker.performing import Performer
from pipelines.worker.progress import ProgressWriter
from pipelines.worker.pruning import Pruner
from pipelines.worker.runner import Dice, Runner
from pipelines.worker.slots import Slots
from pipelines.worker.steering import Steering
from pipelines.worker.steering_many import Steered, SteeringMany
from pipelines.worker.sweep import Rhythm, Sweep
from pipelines.worker.taking import Taking
from pipelines.worker.ticking import Ticker
from pipelines.worker.upkeep import Upkeep
from pipelines.worker.wake_ups import Carrier, WakeUps
from pipelines.worker.watching import Watch, Watchers
from pipelines.worker.wiring import WiredPipeline, wire
from pipelines.worker.worker import Worker

__all__ = [
    "AttemptMade",
    "Carrier",
    "Commit",
    "Dice",
    "Faults",
    "Household",
    "Interruption",
    "Pauses",
    "Performer",
    "Performs",
    "ProgressWriter",
    "Pruner",
    "Rhythm",
    "RunNews",
    "RunStands",
    "Runner",
    "Slots",
    "Steered",
    "Steering",
    "SteeringMany",
    "Sweep",
    "Taking",
    "Ticker",
    "Upkeep",
    "WakeUps",
    "Watch",
    "Watchers",
    "WiredPipeline",
    "Worker",
    "wire",
]
