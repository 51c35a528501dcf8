"""What kind a step is follows from its function, and what it asks for is read from its types."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from pipelines import ReadSession, Retry, StepContext, Transaction, WiringError
from pipelines.step import Call, Kind, Step


class Parcel(BaseModel):
    weight: int


def transaction(parcel: Parcel, tx: Transaction) -> None: ...
def compute(parcel: Parcel) -> int | None: ...
def reading(parcel: Parcel, *, session: ReadSession) -> list[int] | None: ...
async def action(parcel: Parcel, context: StepContext) -> None: ...


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (transaction, Kind.TRANSACTION),
        (compute, Kind.COMPUTE),
        (reading, Kind.COMPUTE),
        (action, Kind.ACTION),
    ],
)
def test_the_kind_of_a_step_follows_from_what_it_is_and_asks_for(function: Callable[..., Any], kind: Kind) -> None:
    assert Call(function=function).kind is kind


async def writes_and_calls(tx: Transaction) -> None: ...
async def reads_and_calls(session: ReadSession) -> None: ...
def untyped(parcel) -> None: ...  # type: ignore[no-untyped-def] # noqa: ANN001 - that is what is tested
def misspelt(parcel: "Parsel") -> None: ...  # type: ignore[name-defined] # noqa: F821 - that is what is tested
def positional(parcel: Parcel, /) -> None: ...
def collecting(*parcels: Parcel) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (writes_and_calls, "writes_and_calls: an `async def` may not hold a database session"),
        (reads_and_calls, "reads_and_calls: an `async def` may not hold a database session"),
        (untyped, "untyped: parameter 'parcel' has no type"),
        (misspelt, "'Parsel' is not defined"),
        (positional, "positional: parameter 'parcel' cannot be given by name"),
        (collecting, "collecting: parameter 'parcels' cannot be given by name"),
    ],
)
def test_a_function_that_cannot_be_a_step_is_told_why(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(WiringError, match=message):
        Call(function=function).kind  # noqa: B018 - it raises


def silent(parcel: Parcel): ...  # type: ignore[no-untyped-def] # noqa: ANN201 - that is what is tested


@pytest.mark.parametrize(
    ("function", "result"), [(compute, int | None), (reading, list[int] | None), (transaction, None), (silent, None)]
)
def test_a_step_returns_what_it_says_it_does(function: Callable[..., Any], result: object) -> None:
    assert Call(function=function).result_type == result


def test_parameters_are_read_by_name_and_type_keyword_only_ones_included() -> None:
    assert Call(function=reading).parameters == {"parcel": Parcel, "session": ReadSession}


def early(parcel: "LatePacket") -> None: ...


class LatePacket(Parcel):
    """Defined after the step that asks for it."""


def test_a_type_may_be_defined_after_the_step_that_asks_for_it() -> None:
    assert Call(function=early).parameters == {"parcel": LatePacket}


def test_a_step_is_a_call_with_a_name_and_limits() -> None:
    step = Step(function=compute, name="weigh", retry=Retry(), timeout=timedelta(seconds=3))
    assert (step.label, step.kind, step.undo, step.then) == ("compute", Kind.COMPUTE, None, None)
