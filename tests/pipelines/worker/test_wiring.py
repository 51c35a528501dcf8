"""Whether everything that steps ask for is there is found out at the start, with the name of what is missing."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from pipelines import Destination, Ending, Pipeline, ReadSession, RunState, StepContext, Transaction, WiringError
from pipelines.worker.wiring import Occasion, WiredPipeline, wire


class Parcel(BaseModel):
    weight: int


class Receipt(BaseModel):
    number: int


class Scale:
    """A gateway."""


class Ship:
    """Another one, that nobody provides."""


def steps(*functions: Callable[..., Any], input_type: type[Any] = Parcel) -> Pipeline[Any]:
    pipeline = Pipeline("ship", input_type)
    for function in functions:
        pipeline.step()(function)
    return pipeline


def wired(pipeline: Pipeline[Any], provided: Mapping[type, object] | None = None) -> WiredPipeline:
    return WiredPipeline(pipeline, {Scale: Scale()} if provided is None else provided)


def send(ship: Ship) -> None: ...
def use_receipt(receipt: Receipt) -> None: ...
def use_parcel(parcel: Parcel) -> None: ...


def make_receipt(parcel: Parcel) -> Receipt:
    return Receipt(number=parcel.weight)


def make_another(parcel: Parcel) -> Receipt:
    return Receipt(number=parcel.weight)


def make_parcel(parcel: Parcel) -> Parcel:
    return parcel


async def call_with_reading(session: ReadSession) -> None: ...
def compute_with_ending(ending: Ending) -> None: ...
def write_with_session(tx: Transaction, session: ReadSession) -> None: ...


@pytest.mark.parametrize(
    ("pipeline", "messages"),
    [
        pytest.param(steps(), ["ship: has no steps"], id="no steps"),
        pytest.param(steps(send), ["send asks for ship: Ship", "nobody provides it"], id="a missing gateway"),
        pytest.param(steps(use_receipt), ["use_receipt asks for receipt: Receipt"], id="a result of no step"),
        pytest.param(
            steps(use_receipt, make_receipt), ["use_receipt asks for receipt: Receipt"], id="a result of a later step"
        ),
        pytest.param(
            steps(make_receipt, make_another, use_receipt),
            ["use_receipt asks for receipt: Receipt", "several", "make_receipt", "make_another"],
            id="an ambiguous result",
        ),
        pytest.param(
            steps(make_parcel, use_parcel),
            ["use_parcel asks for parcel: Parcel", "several", "the input", "make_parcel"],
            id="a result like the input",
        ),
        pytest.param(steps(call_with_reading), ["call_with_reading: an `async def` may not"], id="a session outside"),
        pytest.param(steps(compute_with_ending), ["ending: Ending"], id="an ending before the end"),
        pytest.param(steps(write_with_session), ["session: ReadSession"], id="two sessions"),
    ],
)
def test_an_application_that_lacks_something_does_not_start(pipeline: Pipeline[Any], messages: list[str]) -> None:
    with pytest.raises(WiringError) as raised:
        wired(pipeline)
    for message in messages:
        assert message in str(raised.value)


def test_the_message_lists_what_there_is() -> None:
    with pytest.raises(WiringError, match=r"There are: Parcel, Scale, StepContext, Transaction\."):
        wired(steps(lambda: None, asking_for_a_ship_in_a_transaction))


def asking_for_a_ship_in_a_transaction(tx: Transaction, ship: Ship) -> None: ...
def undo_by_result(receipt: Receipt, tx: Transaction) -> None: ...
async def call_at_end(ending: Ending) -> None: ...


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"undo": undo_by_result}, "undo_by_result asks for receipt: Receipt"),
        ({"then": send}, "send asks for ship: Ship"),
    ],
)
def test_what_belongs_to_a_step_is_wired_with_it(options: dict[str, Any], message: str) -> None:
    pipeline = steps(make_receipt)
    pipeline.step(**options)(use_parcel)
    with pytest.raises(WiringError, match=message):
        wired(pipeline)


def test_two_pipelines_of_one_name_are_refused() -> None:
    with pytest.raises(WiringError, match="two pipelines are called 'ship'"):
        wire([steps(make_receipt), steps(use_parcel)], {})


def test_a_pipeline_is_found_by_name_and_version() -> None:
    pipeline = steps(make_receipt)
    assert list(wire([pipeline], {})) == [("ship", pipeline.version)]


CONTEXT = StepContext(run_id=UUID(int=1), step="step", attempt=1, idempotency_key="key")


def given_to(function: Callable[..., Any], *, after: Callable[..., Any] = make_receipt) -> Any:
    """What the function returns when it is called as the second step of a run, and what it was given."""
    scale, tx, session = Scale(), object(), object()
    wiring = wired(steps(after, function), {Scale: scale})
    occasion = Occasion(
        payload=Parcel(weight=3),
        results={after.__name__: Receipt(number=7)},
        context=lambda: CONTEXT,
        tx=tx,  # type: ignore[arg-type] # passed through untouched
        session=session,  # type: ignore[arg-type] # passed through untouched
    )
    names = {Parcel(weight=3).model_dump_json(): "input", Receipt(number=7).model_dump_json(): "result"}
    named = {id(scale): "gateway", id(tx): "transaction", id(session): "session", id(CONTEXT): "context"}
    given = wiring.steps[function.__name__].call(occasion)
    return [named.get(id(each)) or names[each.model_dump_json()] for each in given]


def writes(step: StepContext, tx: Transaction, parcel: Parcel, receipt: Receipt, scale: Scale) -> Any:
    return step, tx, parcel, receipt, scale


def reads(parcel: Parcel, *, session: ReadSession, scale: Scale) -> Any:
    return parcel, session, scale


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (writes, ["context", "transaction", "input", "result", "gateway"]),
        (reads, ["input", "session", "gateway"]),
    ],
)
def test_every_parameter_gets_what_its_type_says(function: Callable[..., Any], expected: list[str]) -> None:
    assert given_to(function) == expected


def test_the_end_is_told_how_it_ended() -> None:
    pipeline = steps(make_receipt)

    @pipeline.at_end
    def close(parcel: Parcel, tx: Transaction, *, ending: Ending) -> Ending:
        return ending

    end = wired(pipeline).end
    assert end is not None
    how = Ending(RunState.REJECTED, "sold out")
    assert end(Occasion(payload=Parcel(weight=1), results={}, ending=how)) is how


def test_a_follow_up_may_ask_for_the_result_of_its_own_step() -> None:
    def keep(tx: Transaction, receipt: Receipt) -> int:
        return receipt.number

    pipeline = Pipeline("ship", Parcel)
    pipeline.step(then=keep)(make_receipt)
    then = wired(pipeline).steps["make_receipt"].then
    assert then is not None
    assert then(Occasion(payload=Parcel(weight=1), results={"make_receipt": Receipt(number=7)})) == 7


def computing(step: StepContext) -> None:
    """In a thread."""


def writing(tx: Transaction) -> None:
    """In the committer."""


@pytest.mark.parametrize("function", [computing, writing])
def test_a_timeout_where_nothing_can_be_cancelled_is_refused(function: Callable[..., None]) -> None:
    pipeline = Pipeline("trip", Parcel)
    pipeline.step(timeout=1)(function)
    with pytest.raises(WiringError, match="only an `async def` can be cancelled"):
        wire([pipeline], {})


def test_a_transaction_step_has_no_destination() -> None:
    pipeline = Pipeline("trip", Parcel)
    pipeline.step(to=Destination("bank"))(writing)
    with pytest.raises(WiringError, match="calls nobody"):
        wire([pipeline], {})


def test_two_destinations_of_one_name_are_refused() -> None:
    pipelines = [Pipeline("there", Parcel), Pipeline("back", Parcel)]
    for concurrency, pipeline in enumerate(pipelines, start=1):
        pipeline.step(to=Destination("bank", concurrency=concurrency))(computing)
    with pytest.raises(WiringError, match="'bank', with different figures"):
        wire(pipelines, {})


@pytest.mark.parametrize("declare", ["at_end", "at_retry", "then"])
def test_what_joins_a_commit_is_no_coroutine(declare: str) -> None:
    async def close(tx: Transaction) -> None: ...

    pipeline = Pipeline("ship", Parcel)
    pipeline.step(then=close if declare == "then" else None)(use_parcel)
    if declare != "then":
        getattr(pipeline, declare)(close)
    with pytest.raises(WiringError, match="ship: close is in a transaction, so it is a `def`"):
        wired(pipeline)
