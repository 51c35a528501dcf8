"""Passwords: argon2 in threads of its own, so many at a time, and nobody waits long."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import Field, SecretStr

from pipelines import Overloaded

R = TypeVar("R")

SHORTEST, LONGEST = 8, 128
THREADS = 2
MOST_AT_ONCE = 64  # at some 30 ms each, whoever comes last waits for about a second
SALT_BYTES = 16

NewPassword = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST)]
GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]

# The least that OWASP names, because of the memory: 19 MiB for each thread, in containers that have 256.
ARGON2 = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
# Of random bytes that nobody has kept, under the same parameters: an unknown address costs what a known one does.
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$iwYu0tQb3PhadI7yXICTxQ$YGMggIigsqIfWO55Wkt708Gngfme+SIo92OsU+TVD8c"


class Passwords:
    """Hashes and verifies. Raises `Overloaded` when too many wait already: nothing was tried then."""

    def __init__(self, *, threads: int = THREADS, most_at_once: int = MOST_AT_ONCE) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._room = threading.BoundedSemaphore(most_at_once)

    async def hashed(self, password: SecretStr, *, salt: bytes | None = None) -> str:
        """What may be stored. With a salt of the caller's it is the same each time."""
        return await self._done(lambda: ARGON2.hash(_normal(password), salt=salt))

    async def fits(self, password: SecretStr, stored: str | None) -> bool:
        """Whether it is the one; never for nobody's, after the same work."""
        is_right = await self._done(lambda: ARGON2.verify(_normal(password), stored or NOBODYS))
        return is_right and stored is not None

    async def _done(self, work: Callable[[], R]) -> R:
        if not self._room.acquire(blocking=False):
            raise Overloaded("Too many passwords wait to be looked at.")
        try:
            done = self._threads.submit(work)
        except BaseException:
            self._room.release()
            raise
        done.add_done_callback(self._leave)  # not when the caller goes away: a thread works to the end
        return await asyncio.wrap_future(done)

    def _leave(self, _: "Future[R]") -> None:
        self._room.release()

    def close(self) -> None:
        """What waits is dropped; what is being worked on ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _normal(password: SecretStr) -> bytes:
    """The same letters, whichever keyboard they came from."""
    return unicodedata.normalize("NFC", password.get_secret_value()).encode()
