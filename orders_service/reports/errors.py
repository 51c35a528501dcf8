"""ReportsError
├── UnknownReport     no report has this id, or it is somebody else's
├── PeriodRefused     from and to are no range of time that a report covers
├── ReportNotReady    there is no file yet, or there will be none
└── ReportHasEnded    it can no longer be cancelled

Abandoned             a report that nobody wants any more is not counted to its end
"""  # noqa: D205, D400 - the tree is the text


class ReportsError(Exception):
    """The base of this slice's errors."""


class UnknownReport(ReportsError):
    """The same for a missing report and for one that the asker may not see."""


class PeriodRefused(ReportsError):
    """Says which field is wrong, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ReportNotReady(ReportsError):
    """Says in which state the report is."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The report is {state}, and has no files.")


class ReportHasEnded(ReportsError):
    """Says in which state the report is."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The report is {state} and can no longer be cancelled.")


class Abandoned(Exception):
    """Raised between two slices of the counting; how the run then ends has been decided elsewhere."""
