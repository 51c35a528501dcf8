"""How many runs a process takes at once."""

import pytest

from pipelines.worker import Slots


@pytest.fixture
def slots() -> Slots:
    opened = Slots(3)
    opened.open()
    return opened


def test_no_slot_is_any_free_before_the_process_has_begun() -> None:
    assert not Slots(3).take()


def test_there_are_as_many_as_there_are(slots: Slots) -> None:
    assert [slots.take() for _ in range(4)] == [True, True, True, False]


def test_it_is_known_whether_one_is_any_free(slots: Slots) -> None:
    assert slots.is_any_free
    slots.take_up_to(3)
    assert not slots.is_any_free


def test_whoever_wants_more_gets_what_is_left(slots: Slots) -> None:
    assert (slots.take_up_to(2), slots.take_up_to(2), slots.take_up_to(2)) == (2, 1, 0)


def test_what_is_given_back_can_be_taken_again(slots: Slots) -> None:
    slots.take_up_to(3)
    slots.give_back(2)
    assert slots.take_up_to(3) == 2


def test_nothing_is_taken_after_closing_but_still_given_back(slots: Slots) -> None:
    slots.take()
    slots.close()
    slots.give_back()
    assert slots.take_up_to(3) == 0
    slots.open()
    assert slots.take_up_to(5) == 3
