"""Addresses of accounts: one person has one, however it was typed."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field
from pydantic_core import PydanticCustomError

LONGEST_ADDRESS = 254


def normalised(address: str) -> str:
    """In lower case and NFC: no mail server that matters tells Ada@ from ada@, and two accounts would."""
    normal = unicodedata.normalize("NFC", address.lower())
    if len(normal) > LONGEST_ADDRESS:
        raise PydanticCustomError("address_too_long", "Address is too long")
    return normal


EmailAddress = Annotated[EmailStr, Field(max_length=LONGEST_ADDRESS), AfterValidator(normalised)]
