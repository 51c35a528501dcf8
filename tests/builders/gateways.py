"""The outside world in the hands of a test: it accepts everything, unless it is closed or told to fail."""

import asyncio

from orders_service.gateways import CrmUser, FulfillmentCancellation, FulfillmentRequest, Letter, Reply, Subscriber

CONFIRMS, NOTIFIES = "Your order ", "We "


class Door:
    """Where calls come in. Close it, and they wait inside the call until it opens."""

    def __init__(self) -> None:
        self.troubles: list[Exception] = []  # what the next calls get, one each
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._somebody_waits = asyncio.Event()

    def close(self) -> None:
        self._is_open.clear()
        self._somebody_waits.clear()

    def open(self) -> None:
        self._is_open.set()

    async def knock(self) -> None:
        self._somebody_waits.set()
        await self._is_open.wait()
        if self.troubles:
            raise self.troubles.pop(0)

    async def until_somebody_waits(self) -> None:
        async with asyncio.timeout(10):
            await self._somebody_waits.wait()


class FakeWarehouse:
    """Keeps what it was asked for, under which keys; refused calls too."""

    def __init__(self) -> None:
        self.door = Door()
        self.back_door = Door()  # for cancellations
        self.requests: list[tuple[str, FulfillmentRequest]] = []
        self.cancellations: list[tuple[str, FulfillmentCancellation]] = []

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        self.requests.append((key, request))
        await self.door.knock()

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        self.cancellations.append((key, cancellation))
        await self.back_door.knock()


class FakeMail:
    """Keeps the letters, under which keys; refused ones too."""

    def __init__(self) -> None:
        self.door = Door()
        self.back_door = Door()  # for what customers are told later on
        self.letters: list[tuple[str, Letter]] = []

    @property
    def confirmations(self) -> list[tuple[str, Letter]]:
        return [(key, letter) for key, letter in self.letters if letter.subject.startswith(CONFIRMS)]

    @property
    def notices(self) -> list[Letter]:
        """What customers were told later on."""
        return [letter for _, letter in self.letters if letter.subject.startswith(NOTIFIES)]

    async def send(self, letter: Letter, *, key: str) -> None:
        self.letters.append((key, letter))
        await (self.back_door if letter.subject.startswith(NOTIFIES) else self.door).knock()


class FakeCrm:
    """Keeps what it was told of users, under which keys; refused calls too."""

    def __init__(self) -> None:
        self.door = Door()
        self.told: list[tuple[str, CrmUser]] = []

    async def put_user(self, user: CrmUser, *, key: str) -> bool:
        self.told.append((key, user))
        await self.door.knock()
        return True


class FakeSubscribers:
    """Keeps what was sent, where to and under which keys; refused calls too."""

    def __init__(self) -> None:
        self.door = Door()
        self.sent: list[tuple[str, str, Subscriber]] = []

    async def send(self, body: str, *, to: Subscriber, key: str) -> Reply:
        self.sent.append((key, body, to))
        await self.door.knock()
        return Reply(status=200, excerpt="thank you")
