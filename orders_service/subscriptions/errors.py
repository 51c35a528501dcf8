"""SubscriptionsError
├── UnknownEndpoint     no endpoint has this id, or it is somebody else's
├── UnknownDelivery     this endpoint was sent no such thing, or it is forgotten
├── AddressRefused      the URL is none that we call
├── TooManyEndpoints    its owner has as many as anybody may have
├── TooManyTests        as many test events as there may be are on their way to it
├── StillOnItsWay       what is to be sent again has not ended yet
└── EndpointDisabled    it is sent nothing until it is enabled again
"""  # noqa: D205, D400 - the tree is the text


class SubscriptionsError(Exception):
    """The base of this slice's errors."""


class UnknownEndpoint(SubscriptionsError):
    """The same for a missing endpoint and for one that the asker may not see."""


class UnknownDelivery(SubscriptionsError):
    """The same for one that never was, of another endpoint, or whose body is no longer kept."""


class AddressRefused(SubscriptionsError):
    """Says nothing of the URL: what was sent is not sent back."""

    def __init__(self) -> None:
        super().__init__("A public https URL without credentials is needed.")


class TooManyEndpoints(SubscriptionsError):
    """Each costs every event a look, and holds calls of its own."""

    def __init__(self, most: int) -> None:
        super().__init__(f"There may be {most} endpoints of one owner.")


class TooManyTests(SubscriptionsError):
    """They wait for an endpoint that does not take them."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} test events are on their way to the endpoint: wait for one of them to end.")


class StillOnItsWay(SubscriptionsError):
    """Sent again now it would arrive twice, under two ids."""

    def __init__(self) -> None:
        super().__init__("It is on its way: wait until it was delivered or has failed.")


class EndpointDisabled(SubscriptionsError):
    """Enable it first."""

    def __init__(self) -> None:
        super().__init__("The endpoint is disabled: enable it first.")
