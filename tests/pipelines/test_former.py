"""What an upcast makes of names, inputs and results, and what is found out at the start."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from pipelines import Pipeline, UnknownStep, WiringError
from pipelines.former import FormerPipeline, all_versions
from pipelines.run import StoredResult


class Parcel(BaseModel):
    model_config = ConfigDict(strict=True)

    grams: int


class Receipt(BaseModel):
    number: int


def shipping() -> Pipeline[Parcel]:
    """Weigh, pack, send; and ever new versions of it."""
    pipeline = Pipeline("ship", Parcel)

    @pipeline.step()
    async def weigh() -> Receipt:
        return Receipt(number=1)

    @pipeline.step()
    async def pack() -> None: ...

    @pipeline.step()
    async def send() -> None: ...

    return pipeline


def in_grams(stored: Any) -> Any:
    return {"grams": stored["kilos"] * 1000}


def test_a_stored_input_is_read_by_all_upcasts_on_the_way() -> None:
    ship = shipping()
    ship.upcast("two")(in_grams)
    ship.upcast("one", to="two")(lambda stored: {"kilos": stored["tons"] * 1000})
    assert FormerPipeline(ship, "one").decode('{"tons": 2}') == Parcel(grams=2_000_000)


def test_an_upcast_may_give_the_input_itself() -> None:
    ship = shipping()
    ship.upcast("one")(lambda stored: Parcel(grams=stored["g"]))
    assert FormerPipeline(ship, "one").decode('{"g": 2}') == Parcel(grams=2)


def test_what_an_upcast_gives_is_checked_like_what_is_stored() -> None:
    ship = shipping()
    ship.upcast("one")(lambda _: {"grams": "3"})
    with pytest.raises(ValueError, match="grams"):
        FormerPipeline(ship, "one").decode("{}")


def test_steps_keep_the_names_of_the_run_s_own_version() -> None:
    ship = shipping()
    ship.upcast("two", steps={"wrap": "pack"})
    ship.upcast("one", to="two", steps={"box": "wrap", "post": "send"})
    assert [step.name for step in FormerPipeline(ship, "one").steps] == ["weigh", "box", "post"]
    assert [step.name for step in FormerPipeline(ship, "two").steps] == ["weigh", "wrap", "send"]


def test_two_steps_may_have_swapped_their_names() -> None:
    ship = shipping()
    ship.upcast("one", steps={"pack": "send", "send": "pack"})
    assert [step.name for step in FormerPipeline(ship, "one").steps] == ["weigh", "send", "pack"]


@pytest.mark.parametrize(("stands_at", "goes_on_at"), [("label", "pack"), ("weigh", "weigh"), ("post", "post")])
def test_a_run_that_stood_before_a_step_that_is_gone_goes_on_at_another(stands_at: str, goes_on_at: str) -> None:
    ship = shipping()
    ship.upcast("one", steps={"post": "send"}, gone={"label": "pack"})
    assert FormerPipeline(ship, "one").place_of(stands_at) == goes_on_at


def test_a_step_that_nobody_has_mapped_is_unknown() -> None:
    ship = shipping()
    ship.upcast("one")
    with pytest.raises(UnknownStep, match="ship version one has no step 'label' here"):
        FormerPipeline(ship, "one").place_of("label")


@pytest.mark.parametrize(
    ("written_by", "stored"),
    [
        pytest.param(None, '{"no": "7"}', id="the version of the run"),
        pytest.param("two", '{"nr": 7}', id="a version in between"),
        pytest.param("current", '{"number": 7}', id="the current code"),
    ],
)
def test_a_result_is_read_as_the_code_that_wrote_it_meant_it(written_by: str | None, stored: str) -> None:
    ship = shipping()
    ship.upcast("two", results={"weighing": lambda stored: {"number": stored["nr"]}}, steps={"weighing": "weigh"})
    ship.upcast(
        "one", to="two", results={"scales": lambda stored: {"nr": int(stored["no"])}}, steps={"scales": "weighing"}
    )
    version = ship.version if written_by == "current" else written_by
    assert FormerPipeline(ship, "one").decode_kept("scales", StoredResult(stored, version)) == Receipt(number=7)


def test_a_step_that_is_gone_leaves_no_result() -> None:
    ship = shipping()
    ship.upcast("one", gone={"label": "pack"})
    assert FormerPipeline(ship, "one").decode_kept("label", StoredResult('{"any": 1}')) is None


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda ship: ship.upcast("one", steps={"post": "mail"}), "names 'post', of which 'mail' has become"),
        (lambda ship: ship.upcast("one", gone={"label": "stick"}), "There are: pack, send, weigh."),
        (lambda ship: ship.upcast("one", results={"label": in_grams}), "names 'label'"),
        (lambda ship: ship.upcast("one", steps={"box": "pack", "wrap": "pack"}), "two steps have become one"),
        (lambda ship: ship.upcast("one", steps={"weigh": "pack"}), "two steps are called 'weigh'"),
        (lambda ship: ship.upcast("one", to="two"), "there is none from two on"),
        (lambda ship: [ship.upcast("one", to="two"), ship.upcast("two", to="one")], "leads in a circle"),
        (lambda ship: [ship.upcast("one"), ship.upcast("one")], "there are two upcasts from one"),
        (lambda ship: ship.upcast(ship.version), "is the current version"),
    ],
)
def test_an_upcast_that_is_amiss_is_found_at_the_start(declare: Callable[[Pipeline[Any]], Any], message: str) -> None:
    ship = shipping()
    with pytest.raises(WiringError, match=message):  # noqa: PT012 - some are found when they are declared
        declare(ship)
        list(all_versions([ship]))
