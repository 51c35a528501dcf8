"""Addresses that nobody reads for long: the shop neither delivers to them nor opens accounts for them."""

DISPOSABLE_DOMAINS = frozenset({"mailinator.com", "guerrillamail.com", "10minutemail.com", "trashmail.com"})


def domain_of(address: str) -> str:
    """What stands behind the last @, in lower case."""
    return address.rpartition("@")[2].lower()
