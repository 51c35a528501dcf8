"""How far the clock of a database may be from ours, on the same machine."""

from datetime import timedelta

ROUNDING = timedelta(milliseconds=2)
"""SQLite's has milliseconds, and what moves either is rounded to one."""
