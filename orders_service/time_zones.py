"""Time zones by the names that people use: Europe/Berlin."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST_NAME = 64
_NAME = re.compile(r"(?!posix|right/|localtime)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


def zone_of(name: str) -> ZoneInfo:
    """Raises `ValueError` for what is none; the machine's own zone has no name here."""
    try:
        if len(name) <= LONGEST_NAME and _NAME.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):  # a folder of zones is no zone
        pass
    raise ValueError("should be the name of a time zone, such as Europe/Berlin")
