"""What went wrong, without what differs each time it goes wrong: two runs that failed alike say the same."""

import re

LEFT_OUT = "\ufffc"
"""Stands for what was left out; it is shown as an ellipsis."""

_ANYTHING = re.compile(
    r"(?P<origin>\b[a-z][a-z0-9+.-]*://[^\s/?#\"'<>]+)(?P<path>[/?#][^\s\"'<>]*)?"
    # What a server answered tells causes apart, where other numbers tell runs apart.
    r"|(?P<status>\b(?:HTTP|status|code|answered|answer)[ :=]{1,2}[1-5]\d\d\b|(?<=^: )[1-5]\d\d\b)"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\"[^\"]{1,200}\"|(?<!\w)'[^']{1,200}'(?!\w)|“[^”]{1,200}”"
    r"|\b\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?"
    r"|\b(?=[a-f]*\d)[0-9a-f]{8,}\b"
    r"|\d+(?:[.,:]\d+)*"
    r"|[\x00-\x1f\x7f-\x9f]+",
    re.IGNORECASE,
)
_SHORTEST_PART, _MOST_PARTS = 4, 4
_KIND = re.compile(r"[^\W\d][\w.]{0,99}")


def cause_of(reason: str | None) -> str:
    """The first line: the error's kind, which is what stands before the colon, and the rest in general words."""
    line = first_line(reason)
    kind, colon, rest = line.partition(":")
    if not colon or not _KIND.fullmatch(kind):  # no name of an error, but a sentence
        return _ANYTHING.sub(_kept, line)
    return kind + _ANYTHING.sub(_kept, colon + rest)


def first_line(reason: str | None) -> str:
    """All that a cause is made of."""
    return (reason or "").strip().partition("\n")[0].rstrip()


def fixed_parts(cause: str) -> list[str]:
    """What all that failed so have said word for word: the longest few, longest first."""
    parts = [part for part in cause.split(LEFT_OUT) if len(part.strip()) >= _SHORTEST_PART]
    return sorted(parts, key=len, reverse=True)[:_MOST_PARTS]


def _kept(found: re.Match[str]) -> str:
    if found["status"]:
        return found["status"]
    if found["origin"]:
        return found["origin"] + (LEFT_OUT if found["path"] else "")
    return LEFT_OUT
