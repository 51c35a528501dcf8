"""The one writer of a process: many callers' transaction functions, one COMMIT."""

from pipelines.committer.committer import Committer, Limits
from pipelines.committer.standing import Answer, Standing

__all__ = ["Answer", "Committer", "Limits", "Standing"]
