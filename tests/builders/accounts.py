"""What people send to sign up and to log in; a test names only what matters to it."""

from typing import Any

PASSWORD = "correct horse battery staple"


def a_signup(*, email: str = "ada@example.com", name: str = "Ada Lovelace", password: str = PASSWORD) -> dict[str, Any]:
    return {"email": email, "name": name, "password": password}


def a_login(*, email: str = "ada@example.com", password: str = PASSWORD) -> dict[str, Any]:
    return {"email": email, "password": password}
