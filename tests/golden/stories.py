"""What may befall an order: the stories whose journals are kept, and an outside that tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from orders_service.gateways import (
    FulfillmentCancellation,
    FulfillmentRequest,
    Letter,
    MailUnavailable,
    WarehouseRefused,
    WarehouseUnavailable,
)
from pipelines import Throttled


@dataclass(frozen=True, kw_only=True)
class Story:
    """`mail`, `asked` and `taken_back` are what the first calls of each kind get."""

    name: str
    quantity: int = 3
    mail: tuple[Exception, ...] = ()
    asked: tuple[Exception, ...] = ()
    taken_back: tuple[Exception, ...] = ()
    is_cancelled: bool = False


STORIES = (
    Story(name="completed"),
    Story(
        name="retried",
        mail=(MailUnavailable(),),
        asked=(WarehouseUnavailable(), Throttled(retry_after=timedelta(seconds=30))),
    ),
    Story(name="refused", asked=(WarehouseRefused(),), taken_back=(WarehouseUnavailable(),)),
    Story(name="rejected", quantity=20),
    Story(name="cancelled", mail=(MailUnavailable(),), is_cancelled=True),
)


Said: TypeAlias = Letter | FulfillmentRequest | FulfillmentCancellation


@dataclass
class Outside:
    """Mail and warehouse in one: keeps each call under its key, fails the first ones, and refuses these orders."""

    refuses: Mapping[UUID, Exception] = field(default_factory=dict)
    mail: list[Exception] = field(default_factory=list)
    asked: list[Exception] = field(default_factory=list)
    taken_back: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, Said]] = field(default_factory=list)

    @classmethod
    def of(cls, story: Story) -> "Outside":
        return cls(mail=[*story.mail], asked=[*story.asked], taken_back=[*story.taken_back])

    async def send(self, letter: Letter, *, key: str) -> None:
        self._answer(key, self.mail, letter)

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        self._answer(key, self.asked, request)
        if request.data.order_id in self.refuses:
            raise self.refuses[request.data.order_id]

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        self._answer(key, self.taken_back, cancellation)

    def _answer(self, key: str, troubles: list[Exception], said: Said) -> None:
        self.calls.append((key, said))
        if troubles:
            raise troubles.pop(0)
