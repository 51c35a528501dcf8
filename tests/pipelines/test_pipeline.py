"""A pipeline: its steps in order, where undoing begins, and a version that changes when stored data would not fit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError

from pipelines import Pipeline, Retry, Transaction, WiringError


class Parcel(BaseModel):
    weight: int


class Receipt(BaseModel):
    number: int


def shipping(
    input_type: type[Any] = Parcel, *, names: tuple[str, ...] = ("weigh", "send"), result: Any = Receipt
) -> Pipeline[Any]:
    """A pipeline of action steps with these names; the first one returns the result."""
    pipeline = Pipeline("ship", input_type)

    async def first() -> Any: ...
    async def later() -> None: ...

    first.__annotations__["return"] = result
    for name, function in zip(names, [first, *[later] * len(names)], strict=False):
        pipeline.step(name=name)(function)
    return pipeline


def model(name: str = "Parcel", doc: str | None = None, **fields: Any) -> type[BaseModel]:
    """A model of these fields; a tuple gives one its default."""
    namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": doc, "__module__": __name__}
    for field, kind in fields.items():
        namespace["__annotations__"][field] = kind[0] if isinstance(kind, tuple) else kind
        if isinstance(kind, tuple):
            namespace[field] = kind[1]
    return type(name, (BaseModel,), namespace)


PLAIN = model(weight=int, to=str)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(model(doc="What is sent.", weight=int, to=str), id="a docstring"),
        pytest.param(model(weight=int, to=str, note=(str | None, None)), id="an optional field"),
        pytest.param(model(weight=int, to=str, gift=(Receipt | None, None)), id="an optional field of another model"),
        pytest.param(model(weight=int, to=str, tags=(list[str], [])), id="a field with a default"),
        pytest.param(model(to=str, weight=int), id="another order of fields"),
        pytest.param(
            model(weight=(int, Field(description="in grams", title="Weight", examples=[1])), to=str), id="a description"
        ),
    ],
)
def test_the_version_stays_when_what_is_stored_still_fits(same: type[BaseModel]) -> None:
    assert shipping(same).version == shipping(PLAIN).version


def test_the_version_stays_when_only_a_default_changes() -> None:
    one, other = model(weight=int, to=(str, "Oslo")), model(weight=int, to=(str, "Bergen"))
    assert shipping(one).version == shipping(other).version


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(shipping(model(weight=int, to=str, note=str)), id="a required field"),
        pytest.param(shipping(model(weight=int)), id="a field less"),
        pytest.param(shipping(model(weight=str, to=str)), id="another type"),
        pytest.param(shipping(model(weight=int, address=str)), id="another name"),
        pytest.param(shipping(model(weight=int, to=model("Place", street=str))), id="a model in it"),
        pytest.param(shipping(PLAIN, result=Parcel), id="another result"),
        pytest.param(shipping(PLAIN, result=None), id="no result"),
        pytest.param(shipping(PLAIN, names=("weigh", "post")), id="a renamed step"),
        pytest.param(shipping(PLAIN, names=("send", "weigh")), id="another order"),
        pytest.param(shipping(PLAIN, names=("weigh", "send", "bill")), id="one step more"),
        pytest.param(shipping(PLAIN, names=("weigh",)), id="one step less"),
    ],
)
def test_the_version_changes_when_what_is_stored_would_not_fit(other: Pipeline[Any]) -> None:
    assert other.version != shipping(PLAIN).version


def test_a_field_inside_a_nested_model_counts_too() -> None:
    one, other = model("Place", street=str), model("Place", street=str, zip_code=str)
    assert shipping(model(to=one)).version != shipping(model(to=other)).version


def test_a_field_may_be_called_as_a_word_of_the_schema_language() -> None:
    one, other = model(title=str, description=str), model(title=str, description=int)
    assert shipping(one).version != shipping(other).version


def test_the_kind_of_a_step_counts_because_its_promise_does() -> None:
    def weigh(tx: Transaction) -> None: ...
    async def call() -> None: ...

    one, other = Pipeline("ship", Parcel), Pipeline("ship", Parcel)
    one.step(name="weigh")(weigh)
    other.step(name="weigh")(call)
    assert one.version != other.version


def test_a_step_is_returned_as_it_is_so_that_tests_can_call_it() -> None:
    pipeline = Pipeline("ship", Parcel)

    @pipeline.step(retry=Retry(on=(OSError,)))
    def weigh(parcel: Parcel) -> int:
        return parcel.weight

    assert weigh(Parcel(weight=3)) == 3


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda ship: ship.step(name="weigh")(print), "two steps are called 'weigh'"),
        (lambda ship: [ship.at_end(print), ship.at_end(print)], "at_end is declared twice"),
    ],
)
def test_what_may_be_declared_only_once(declare: Callable[[Pipeline[Any]], Any], message: str) -> None:
    with pytest.raises(WiringError, match=message):
        declare(shipping())


def test_a_pipeline_without_steps_has_no_first_one() -> None:
    with pytest.raises(WiringError, match="ship: has no steps"):
        Pipeline("ship", Parcel).first_step  # noqa: B018 - it raises


def test_steps_follow_each_other_as_declared() -> None:
    pipeline = shipping(names=("weigh", "send", "bill"))
    assert pipeline.first_step.name == "weigh"
    after = pipeline.step_after("weigh")
    assert after is not None
    assert after.name == "send"
    assert pipeline.step_after("bill") is None


def undoable() -> Pipeline[Any]:
    """A transaction step and an action step that can be undone, one that cannot, and one more action step."""
    pipeline = Pipeline("ship", Parcel)

    def give_back() -> None: ...
    def take(tx: Transaction) -> None: ...
    async def call() -> None: ...

    pipeline.step(name="take", undo=give_back)(take)
    pipeline.step(name="call", undo=give_back)(call)
    pipeline.step(name="log")(call)
    pipeline.step(name="take again", undo=give_back)(take)
    return pipeline


@pytest.mark.parametrize(
    ("failed", "first"),
    [
        ("take", None),  # its effect is in our database, so it has certainly not happened
        ("call", "call"),  # it may have happened
        ("log", "call"),
        ("take again", "call"),
    ],
)
def test_undoing_begins_where_something_may_have_happened(failed: str, first: str | None) -> None:
    undo = undoable().first_undo(failed)
    assert (undo.name if undo else None) == first


@pytest.mark.parametrize(("step", "before"), [("take again", "call"), ("call", "take"), ("take", None)])
def test_undoing_goes_back_over_what_can_be_undone(step: str, before: str | None) -> None:
    undo = undoable().undo_before(step)
    assert (undo.name if undo else None) == before


@dataclass(frozen=True)
class Labels:
    by_id: dict[UUID, tuple[int, ...]]


@pytest.mark.parametrize("value", [Parcel(weight=2**60), Labels({UUID(int=1): (1, 2)})])
def test_what_is_stored_comes_back_as_it_was(value: Any) -> None:
    pipeline = shipping(type(value), result=type(value))
    assert pipeline.decode(pipeline.encode(value)) == value
    assert pipeline.decode_result("weigh", pipeline.encode_result("weigh", value)) == value


def test_a_step_without_a_result_stores_none() -> None:
    pipeline = shipping()
    assert pipeline.encode_result("send", None) is None
    assert pipeline.decode_result("send", None) is None


def test_stored_data_of_another_shape_is_refused() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        weight: int

    with pytest.raises(ValidationError):
        shipping(Strict).decode('{"weight": "3"}')


class Weighed(BaseModel):
    grams: int


def test_a_result_of_another_type_is_refused_before_it_is_stored() -> None:
    weigh = Pipeline("weigh", Weighed)

    @weigh.step()
    def put_on_the_scale(parcel: Weighed) -> Weighed:
        return parcel

    with pytest.raises(PydanticSerializationError):
        weigh.encode_result("put_on_the_scale", "two kilos")


def test_a_timeout_is_in_seconds_or_a_timedelta() -> None:
    pipeline = Pipeline("ship", Parcel)
    pipeline.step(name="weigh", timeout=90)(call)
    pipeline.step(name="send", timeout=timedelta(minutes=1, seconds=30))(call)
    assert [step.timeout for step in pipeline.steps] == [timedelta(seconds=90)] * 2


def test_what_only_looks_like_a_figure_is_refused_where_it_is_said() -> None:
    seconds: Any = 3600
    with pytest.raises(WiringError, match=r"ship: deadline=3600 is no timedelta; timedelta\(hours=1\) is"):
        Pipeline("ship", Parcel, deadline=seconds)
    with pytest.raises(WiringError, match="ship: retry=3600 is no Retry; Retry"):
        Pipeline("ship", Parcel).step(retry=seconds)


async def call() -> None: ...
