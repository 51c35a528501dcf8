"""What can go wrong outside, as one tree; a message names scheme, host and status, never a path, body or secret.

GatewayError
├── DestinationRefused    the address is none we may call; final
├── SignatureRefused      what came in was not signed by whom it claims
├── WarehouseRefused      the warehouse said no, for good; final
├── WarehouseUnavailable  the warehouse did not say yes; try again under the same key
├── CrmRefused            the CRM said no, for good; final
├── CrmUnavailable        the CRM did not say yes; try again under the same key
├── MailRefused           the letter cannot be sent, or the mail server said no, for good; final
├── MailUnavailable       the mail server did not say yes; try again under the same key
├── SubscriberGone        a subscriber wants no more events; final
├── SubscriberBusy        a subscriber asks for a pause; costs no attempt
└── SubscriberUnavailable a subscriber did not say yes; try again under the same key
"""

from datetime import timedelta

from pipelines.errors import Throttled, WithEvidence


class GatewayError(Exception):
    """The base of all errors of this package."""


class DestinationRefused(GatewayError):
    """The guard forbids this destination. Trying again would not help, and is never done."""


class SignatureRefused(GatewayError):
    """No known secret has signed these bytes lately."""


class WarehouseRefused(GatewayError):
    """A final answer: the same request will never be accepted."""

    def __init__(self, message: str = "refused", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WarehouseUnavailable(GatewayError):
    """Not accepted, or the answer was lost; a receiver that remembers ids makes a repetition harmless."""

    def __init__(self, message: str = "unavailable", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CrmRefused(GatewayError):
    """A final answer: the same call will never be accepted."""

    def __init__(self, message: str = "refused", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CrmUnavailable(GatewayError):
    """Not accepted, or the answer was lost; a PUT can be repeated."""

    def __init__(self, message: str = "unavailable", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MailRefused(GatewayError):
    """A final answer: the same letter will never be accepted."""

    def __init__(self, message: str = "refused", *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class MailUnavailable(GatewayError):
    """Not accepted, or the answer was lost; the Message-ID makes a repetition recognisable."""

    def __init__(self, message: str = "unavailable", *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class SubscriberGone(GatewayError, WithEvidence):
    """It answered 410."""

    def __init__(self, message: str = "gone", *, evidence: str | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class SubscriberBusy(GatewayError, Throttled, WithEvidence):
    """It answered 429 or 503, and when to come back."""

    def __init__(self, pause: timedelta, *, evidence: str | None = None) -> None:
        Throttled.__init__(self, retry_after=pause)
        self.evidence = evidence


class SubscriberUnavailable(GatewayError, WithEvidence):
    """Not accepted, or the answer was lost. `evidence` is what was answered, if anything was."""

    def __init__(self, message: str = "unavailable", *, evidence: str | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence
