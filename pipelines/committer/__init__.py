"""The one writer of a process: many callers' transaction functions, one COMMIT."""

from pipelines.committer.batch import SWALLOWED
from pipelines.committer.committer import Committer, Limits
from pipelines.committer.faults import commit
from pipelines.committer.standing import Answer, Standing

__all__ = ["SWALLOWED", "Answer", "Committer", "Limits", "Standing", "commit"]
