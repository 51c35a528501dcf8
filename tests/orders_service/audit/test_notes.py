"""Where a request came from, as far as anybody knows."""

import pytest
from fastapi import Request

from orders_service.audit.notes import LONGEST_ADDRESS, address_of


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("203.0.113.9", 4711), "203.0.113.9"),
        (("2001:db8::1", 4711), "2001:db8::1"),
        (("2001:0DB8:0:0:0:0:0:1", 4711), "2001:db8::1"),
        (("unknown", 0), None),
        (("x" * 5000, 0), None),
        (("", 0), None),
        (None, None),
    ],
)
def test_what_is_no_address_is_none(client: tuple[str, int] | None, address: str | None) -> None:
    assert address_of(Request({"type": "http", "client": client})) == address


def test_an_address_fits_into_its_column() -> None:
    told = address_of(Request({"type": "http", "client": ("fe80::1%" + "x" * 100, 1)}))
    assert told is not None
    assert len(told) == LONGEST_ADDRESS
