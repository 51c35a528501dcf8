import pytest

from orders_service.request_ids import request_id_of, taken_or_made


@pytest.mark.parametrize("offered", [b"a", b"trace 7/b", b"~" * 128])
def test_a_short_and_printable_id_is_taken(offered: bytes) -> None:
    assert taken_or_made(offered) == offered.decode()


@pytest.mark.parametrize("offered", [None, b"", b"~" * 129, b"a\tb", "é".encode(), b"\xff", b"a\n"])
def test_any_other_id_is_replaced(offered: bytes | None) -> None:
    made = taken_or_made(offered)

    assert len(made) == 32
    assert made.isalnum()


def test_made_ids_differ() -> None:
    assert taken_or_made(None) != taken_or_made(None)


def test_a_request_keeps_the_id_it_was_given_late() -> None:
    scope = {"type": "http"}

    assert request_id_of(scope) == request_id_of(scope)
