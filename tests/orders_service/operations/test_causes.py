"""Two runs that failed alike have one cause, and two that failed of different things have two."""

import pytest

from orders_service.operations.causes import LEFT_OUT, cause_of, first_line, fixed_parts

UUID_A, UUID_B = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9", "01a1fccd-1aee-748f-9e6d-000000000001"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"KeyError: order {UUID_A} is gone", f"KeyError: order {UUID_B} is gone"),
        ("KeyError: 'mug'", "KeyError: 'lamp with a shade'"),
        ('ValueError: "x" is no colour', 'ValueError: "yellow" is no colour'),
        ("OSError: 17 of 40 left", "OSError: 3 of 1,024 left"),
        ("OSError: line one\nline two", "OSError: line one\nline three"),
        ("MailRefused: ada@example.com is not known", "MailRefused: b.c+d@mail.example.org is not known"),
        ("OSError: deadbeef00 at 2026-11-28T12:00:00Z", "OSError: 0011223344ff at 2026-11-29 12:00:01.5+01:00"),
        ("NoAnswer: http://shop.example/a?b=1", "NoAnswer: http://shop.example/c"),
        (
            "step go killed 3 processes in which it was alone; input 0a1b2c3d4e5f; last death: process 7 at 12:01",
            "step go killed 4 processes in which it was alone; input 9a8b7c6d5e4f; last death: process 123 at 13:59",
        ),
    ],
)
def test_what_differs_each_time_is_left_out(one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'mug'", "IndexError: 'mug'"),
        ("WarehouseUnavailable: 503", "WarehouseUnavailable: 429"),
        (
            "WarehouseUnavailable: https://w.example answered 503",
            "WarehouseUnavailable: https://w.example answered 500",
        ),
        ("NoAnswer: http://10.0.0.1:80/a", "NoAnswer: http://10.0.0.2:80/a"),
        ("OSError: down", "OSError: down; undo of pay failed"),
    ],
)
def test_what_tells_causes_apart_is_kept(one: str, other: str) -> None:
    assert cause_of(one) != cause_of(other)


def test_a_word_with_an_apostrophe_is_no_quotation() -> None:
    assert cause_of("OSError: can't reach it, won't try") == "OSError: can't reach it, won't try"


@pytest.mark.parametrize("reason", [None, "", "  \n x"])
def test_of_no_reason_no_more_is_made_than_it_says(reason: str | None) -> None:
    assert cause_of(reason) == ((reason or "").strip())


def test_the_parts_that_all_have_said_come_longest_first() -> None:
    cause = cause_of(f"KeyError: order {UUID_A} is gone for good, 12 x")
    assert fixed_parts(cause) == [" is gone for good, ", "KeyError: order "]
    assert all(part in cause for part in fixed_parts(cause))


def test_control_characters_are_in_no_part() -> None:
    assert cause_of("OSError: left\tright hand") == f"OSError: left{LEFT_OUT}right hand"
    assert first_line("OSError: left\tright") == "OSError: left\tright"
