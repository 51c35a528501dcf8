"""Addresses of accounts: one person has one, however it was typed."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field
from pydantic_core import PydanticCustomError

from orders_service.accounts import queries
from orders_service.auth import Principal
from pipelines import Transaction

LONGEST_ADDRESS = 254


def normalised(address: str) -> str:
    """In lower case and NFC: no mail server that matters tells Ada@ from ada@, and two accounts would."""
    normal = unicodedata.normalize("NFC", address.lower())
    if len(normal) > LONGEST_ADDRESS:
        raise PydanticCustomError("address_too_long", "Address is too long")
    return normal


EmailAddress = Annotated[EmailStr, Field(max_length=LONGEST_ADDRESS), AfterValidator(normalised)]


def address_of(tx: Transaction, principal_id: str) -> str | None:
    """Where somebody with an account is written to; a program's key has no address."""
    user_id = Principal(principal_id).user_id
    user = queries.find(tx, user_id) if user_id is not None else None
    return user.email if user is not None else None
