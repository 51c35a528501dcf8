"""The demonstration succeeds only if each effect was had once."""

from dataclasses import replace
from typing import Any

import pytest

from orders_service.demo import Evidence, flaws, summed_up

WELL = Evidence(
    posted=["one", "two", "bad"],
    doomed=["bad"],
    statuses={"one": "completed", "two": "completed", "bad": "failed"},
    parcels={"one": ["id-1"], "two": ["id-2"]},
    asked_for={"one": ["id-1"], "two": ["id-2"] * 3, "bad": ["id-4"]},
    called_off={"bad": ["id-3"]},
    confirmed={"one": ["m1"], "two": ["m2"], "bad": ["m3"]},
    sold=2,
)


def test_what_went_well_has_no_flaws() -> None:
    assert flaws(WELL) == []


def test_the_count_is_one_line() -> None:
    assert summed_up(WELL) == (
        "3 orders posted: 2 completed, 1 failed and undone; 2 parcels of 5 requests, 3 confirmations, 2 pieces sold"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"parcels": {"one": ["id-1"], "two": ["id-2", "id-9"]}},
            "order two was accepted by the warehouse 2 times, not 1",
        ),
        ({"parcels": {"one": ["id-1"]}}, "order two was accepted by the warehouse 0 times, not 1"),
        ({"parcels": {**WELL.parcels, "bad": ["id-9"]}}, "order bad was accepted by the warehouse 1 times, not 0"),
        ({"confirmed": {**WELL.confirmed, "one": ["m1", "m9"]}}, "order one was confirmed by mail 2 times, not 1"),
        ({"confirmed": {**WELL.confirmed, "who": ["m9"]}}, "order who was confirmed by mail 1 times, not 0"),
        ({"called_off": {}}, "order bad was taken back from the warehouse 0 times, not 1"),
        ({"statuses": {**WELL.statuses, "one": "pending"}}, "order one is pending, not completed"),
        ({"statuses": {"one": "completed", "bad": "failed"}}, "order two is lost, not completed"),
        ({"statuses": {**WELL.statuses, "three": "completed"}}, "order three was never posted"),
        ({"asked_for": {**WELL.asked_for, "two": ["id-2", "id-9"]}}, "order two was asked for under 2 ids"),
        ({"sold": 3}, "3 pieces have left the shelf, not 2"),
    ],
)
def test_what_was_lost_or_had_twice_is_told(change: dict[str, Any], said: str) -> None:
    assert flaws(replace(WELL, **change)) == [said]
