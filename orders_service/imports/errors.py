"""ImportsError
├── UnknownImport    no import has this id, or it is somebody else's
├── ImportEnded      it can no longer be cancelled
├── UnfitFile        what was sent is no file of orders; says why
│   ├── NotCsv       compressed, or a workbook: another kind of file altogether
│   └── EmptyFile    there is nothing in it
└── ImportMoved      the place that was to be written from is not where the import stands
"""  # noqa: D205, D400 - the tree is the text


class ImportsError(Exception):
    """The base of this slice's errors."""


class UnknownImport(ImportsError):
    """The same for a missing import and for one that the asker may not see."""


class ImportEnded(ImportsError):
    """Says how."""

    def __init__(self, state: str) -> None:
        super().__init__(f"The import is {state} and can no longer be cancelled.")
        self.state = state


class UnfitFile(ImportsError):
    """The file as a whole is refused; the message is for whoever sent it, and quotes nothing of it."""


class NotCsv(UnfitFile):
    """Known by its first bytes."""


class EmptyFile(UnfitFile):
    """Not even a header."""

    def __init__(self) -> None:
        super().__init__("The file is empty.")


class ImportMoved(ImportsError):
    """Its rows were written already, or it has been stopped: look where it stands."""
