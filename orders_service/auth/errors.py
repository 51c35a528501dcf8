"""What a credential can be refused for."""


class Unauthenticated(Exception):
    """No credential, or one that is malformed, unknown, expired or revoked."""


class Forbidden(Exception):
    """The credential is good, and may not do this."""
