"""What a process keeps for those who come to the door: the passwords' threads, and how long a session lasts."""

from datetime import timedelta

from fastapi import Request

from orders_service.accounts.passwords import Passwords
from orders_service.accounts.refused_logins import RefusedLogins


class Doorman:
    """One for each process, closed with it."""

    def __init__(self, *, sessions_last: timedelta) -> None:
        self.sessions_last = sessions_last
        self.passwords = Passwords()
        self.refused_logins = RefusedLogins()

    def close(self) -> None:
        self.passwords.close()


def doorman_of(request: Request) -> Doorman:
    """The doorman of the process that serves this request."""
    doorman: Doorman = request.state.doorman
    return doorman
