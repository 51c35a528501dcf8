"""Dead letters are put together by what they died of, and each group can be found again."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orders_service.operations.dead_letters import Group, grouped
from pipelines import DeadLetter, DeadLetters, RunState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
FAILED, QUARANTINED = RunState.FAILED, RunState.QUARANTINED


def letter(number: int, reason: str | None, **fields: Any) -> DeadLetter:
    """They die one a minute."""
    shown = {"pipeline": "fulfill-order", "state": FAILED, "step": "notify_warehouse"} | fields
    at = NOON + timedelta(minutes=number)
    return DeadLetter(id=UUID(int=number), reason=reason, created_at=at, finished_at=at, **shown)


def of(*letters: DeadLetter, unread: int = 0) -> DeadLetters:
    counts = Counter((each.pipeline, each.state) for each in letters)
    counts["fulfill-order", FAILED] += unread
    return DeadLetters(counts, tuple(sorted(letters, key=lambda each: each.id, reverse=True)))


def only(found: DeadLetters) -> Group:
    [group] = grouped(found).shown
    return group


def test_one_cause_is_one_group() -> None:
    group = only(of(*(letter(number, f"KeyError: order {number} is gone") for number in (1, 2, 3))))
    assert (group.pipeline, group.step, group.cause) == (
        "fulfill-order",
        "notify_warehouse",
        "KeyError: order … is gone",
    )
    assert (group.count, group.is_more) == (3, False)
    assert (group.oldest, group.newest) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    assert group.sample.reason == "KeyError: order 3 is gone"


def test_pipelines_steps_and_causes_are_kept_apart_and_states_are_not() -> None:
    found = of(
        letter(1, "OSError: down"),
        letter(2, "OSError: down", state=QUARANTINED),
        letter(3, "OSError: down", step="reserve_stock"),
        letter(4, "OSError: down", pipeline="make-report"),
        letter(5, "OSError: up"),
    )
    groups = grouped(found).shown
    assert [group.count for group in groups] == [2, 1, 1, 1]
    assert groups[0].states == (FAILED, QUARANTINED)


def test_a_group_is_found_by_what_all_of_it_have_said() -> None:
    group = only(of(*(letter(number, f"KeyError: order {number} is gone for ever") for number in (1, 2))))
    assert (group.phrase, group.others) == (" is gone for ever", 0)


def test_a_group_that_said_one_thing_is_found_by_all_of_it() -> None:
    group = only(of(letter(1, "KeyError: order 17 is gone\nand more"), letter(2, "KeyError: order 17 is gone")))
    assert group.phrase == "KeyError: order 17 is gone"


def test_the_phrase_is_the_one_that_fewest_others_have_said() -> None:
    gone = [letter(number, f"VeryLongNameOfAnError: order {number} is gone") for number in (1, 2, 3)]
    late = [letter(number, f"VeryLongNameOfAnError: order {number} is late") for number in (4, 5)]
    groups = grouped(of(*gone, *late)).shown
    assert [(group.phrase, group.others) for group in groups] == [(" is gone", 0), (" is late", 0)]


def test_what_a_phrase_finds_beside_its_group_is_counted() -> None:
    groups = grouped(of(letter(1, "OSError: down"), letter(2, "OSError: down"), letter(3, "OSError: down the drain")))
    assert [(group.phrase, group.others) for group in groups.shown] == [
        ("OSError: down", 1),
        ("OSError: down the drain", 0),
    ]


def test_without_a_reason_there_is_no_phrase() -> None:
    groups = grouped(of(letter(1, None), letter(2, None), letter(3, "OSError: down"))).shown
    assert [(group.cause, group.phrase, group.others) for group in groups] == [
        ("", None, 1),
        ("OSError: down", "OSError: down", 0),
    ]


def test_a_phrase_is_one_that_may_be_asked_for() -> None:
    group = only(of(letter(1, "OSError: left\tright " + "x" * 390)))
    assert group.phrase == "right " + "x" * 194


def test_of_a_pipeline_that_was_not_read_to_the_end_groups_may_be_larger() -> None:
    groups = grouped(of(letter(1, "OSError: down"), letter(2, "OSError: down", pipeline="make-report"), unread=7))
    assert [(group.pipeline, group.is_more) for group in groups.shown] == [
        ("fulfill-order", True),
        ("make-report", False),
    ]
    assert (groups.total, groups.looked_at, groups.is_whole) == (9, 2, False)


def test_groups_that_are_too_small_to_be_shown_are_counted() -> None:
    letters = [letter(number, f"Error{chr(96 + number)}: x") for number in range(1, 6)]
    groups = grouped(of(*letters, letter(6, "Errora: x")), most=2)
    assert [group.count for group in groups.shown] == [2, 1]
    assert groups.left_out == 3


def test_of_one_in_quarantine_that_was_not_told_the_age_is_known_all_the_same() -> None:
    found = letter(1, "x: y")
    untold = DeadLetter(found.id, found.pipeline, QUARANTINED, found.step, "x: y", NOON, None)
    assert only(of(untold)).newest == NOON
