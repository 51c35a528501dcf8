"""What others have written, made fit for a terminal, which does what it is told by characters that nobody sees."""


def printable(text: object) -> str:
    """The same text in one line, with escapes for whatever steers a terminal, breaks the line or turns its direction.

    A terminal obeys control characters; marks of direction make a line read otherwise than it is.
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in str(text))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
