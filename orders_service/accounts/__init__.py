"""Accounts of people: signing up, logging in, what each has bought, and what the CRM is told. The front door."""

from orders_service.accounts.addresses import address_of
from orders_service.accounts.doorman import Doorman
from orders_service.accounts.errors import AccountsError, UnknownUser, UserHasChanged, WrongPassword
from orders_service.accounts.logging_in import record_login
from orders_service.accounts.ownership import owner_of_run, user_behind
from orders_service.accounts.purchases import note_purchase, take_back_purchase
from orders_service.accounts.reminding import remind_owner
from orders_service.accounts.syncing import sync_user
from orders_service.accounts.welcoming import welcome

__all__ = [
    "AccountsError",
    "Doorman",
    "UnknownUser",
    "UserHasChanged",
    "WrongPassword",
    "address_of",
    "note_purchase",
    "owner_of_run",
    "record_login",
    "remind_owner",
    "sync_user",
    "take_back_purchase",
    "user_behind",
    "welcome",
]
