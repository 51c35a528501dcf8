"""The development mailbox: each mail is a file that any mail program opens, and nothing leaves the machine."""

import heapq
import os
import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path

from orders_service.gateways.mail import Letter, Letterhead

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEADERS = BytesHeaderParser(policy=default)


@dataclass(frozen=True, slots=True)
class KeptMail:
    """The outside of a mail in the mailbox; `id` is the key it was sent under."""

    id: str
    to: str
    subject: str
    date: str


class Mailbox:
    """Keeps each letter as `<key>.eml`: a letter sent again takes its own place."""

    def __init__(self, folder: Path, *, sender: str = "Orders <orders@localhost>") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._letterhead = Letterhead(sender)

    async def send(self, letter: Letter, *, key: str) -> None:
        self._keep(key, self._letterhead.write(letter, key))

    def newest(self, limit: int = 100) -> list[KeptMail]:
        """What came last comes first. Reads files: not for the event loop."""
        newest = heapq.nlargest(limit, self.folder.glob("[!.]*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [_outside_of(path) for path in newest]

    def read(self, key: str) -> bytes | None:
        """The mail sent under this key, or None. Reads a file: not for the event loop."""
        path = self._place_of(key)
        return path.read_bytes() if _KEY.fullmatch(key) and path.exists() else None

    def _keep(self, key: str, mail: bytes) -> None:
        """In one piece or not at all. Takes less time than a thread would cost; a crash of ours does not lose it."""
        draft = self.folder / f".{key}.{os.getpid()}"
        draft.write_bytes(mail)
        draft.replace(self._place_of(key))

    def _place_of(self, key: str) -> Path:
        return self.folder / f"{key}.eml"


def _outside_of(path: Path) -> KeptMail:
    headers = _HEADERS.parsebytes(path.read_bytes())
    return KeptMail(id=path.stem, to=str(headers["To"]), subject=str(headers["Subject"]), date=str(headers["Date"]))
