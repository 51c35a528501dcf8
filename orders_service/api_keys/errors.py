"""What can be wrong with an API key's id."""


class UnknownKey(Exception):
    """No key has this id."""
