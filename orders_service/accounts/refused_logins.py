"""How many refused logins the audit takes: an entry can never be taken back, so nobody may write at will."""

from datetime import datetime, timedelta

PER_SUBJECT = 10
IN_ALL = 1000
WINDOW = timedelta(hours=1)


class RefusedLogins:
    """Counts within this process; what is beyond is in the access log, as a 401 of this route."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._counts: dict[str, int] = {}
        self._total = 0

    def take(self, subject: str, now: datetime) -> int:
        """How many more entries about this one are taken until the hour is over; -1 when this one is not."""
        if self._since is None or now - self._since >= WINDOW:
            self._since, self._counts, self._total = now, {}, 0
        count = self._counts.get(subject, 0)
        if count >= PER_SUBJECT or self._total >= IN_ALL:
            return -1
        self._counts[subject] = count + 1
        self._total += 1
        return PER_SUBJECT - count - 1
