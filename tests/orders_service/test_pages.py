import base64
import json
from uuid import UUID

import pytest

from orders_service.ids import new_id
from orders_service.pages import UnfitCursor, cursor_after, place_of

SOMEBODY = UUID(int=7)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_cursor_leads_back_to_where_it_was_given() -> None:
    last = new_id()
    assert place_of(cursor_after(last, under="mine"), under="mine") == last


def test_a_cursor_fits_into_an_address_as_it_is() -> None:
    cursor = cursor_after(UUID(int=2**128 - 1), under="orders of somebody with ?&/+ in the name")
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_no_cursor_is_the_beginning() -> None:
    assert place_of(None, under="mine") is None


def test_a_cursor_of_another_filter_is_refused() -> None:
    with pytest.raises(UnfitCursor):
        place_of(cursor_after(new_id(), under="mine"), under="yours")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "a",
        "äöü",
        "=" * 8,
        "\x00",
        encoded(None),
        encoded(7),
        encoded([]),
        encoded(["x", "mine"]),
        encoded([7, "mine"]),
        encoded([str(SOMEBODY)]),
        encoded([str(SOMEBODY), "mine", "more"]),
        encoded({str(SOMEBODY): 1, "mine": 2}),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_we_did_not_give_is_refused(cursor: str) -> None:
    with pytest.raises(UnfitCursor):
        place_of(cursor, under="mine")
