import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from orders_service.strict_models import StrictModel, Text, Timestamp

Name = TypeAdapter[str](Annotated[str, Text(8)])
Note = TypeAdapter[str](Annotated[str, Text(8, min_length=0, max_bytes=10)])
Moment = TypeAdapter[datetime](Timestamp)


class Line(StrictModel):
    quantity: int = Field(gt=0, le=1000)


class Draft(StrictModel):
    lines: Annotated[tuple[Line, ...], Field(strict=False)]
    due_at: Timestamp | None = None


def refusal(adapter: TypeAdapter[Any], value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(value)
    return str(refused.value.errors()[0]["type"])


@pytest.mark.parametrize("quantity", [1.0, True, "1", None, 0, -1, 1001, 2**53 + 1, 2**63])
def test_nothing_but_a_whole_number_in_range_is_a_quantity(quantity: object) -> None:
    with pytest.raises(ValidationError):
        Draft.model_validate({"lines": [{"quantity": quantity}]})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Draft.model_validate({"lines": [], "status": "completed"})


def test_what_json_can_say_is_taken() -> None:
    draft = Draft.model_validate({"lines": [{"quantity": 2}], "due_at": "2026-11-21T10:00:00+01:00"})

    assert draft == Draft(lines=(Line(quantity=2),), due_at=datetime(2026, 11, 21, 9, tzinfo=UTC))


@pytest.mark.parametrize("text", ["a", "12345678", "Zoë", "東京都", "👩‍👩‍👧‍👦", "a b"])
def test_text_is_taken(text: str) -> None:
    assert Name.validate_python(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "string_too_short"),
        ("123456789", "string_too_long"),
        ("  ", "text_blank"),
        ("\u3000", "text_blank"),
        ("a\x00", "text_characters"),
        ("a\nb", "text_characters"),
        ("\x85", "text_characters"),
        ("\ud800", "string_unicode"),
        ("a\u202eb", "text_characters"),
        ("a\u2066b", "text_characters"),
        ("a\u2028b", "text_characters"),
        ("\u0958" * 8, "text_too_long"),  # its normal form has two code points each
        (7, "string_type"),
        (None, "string_type"),
    ],
)
def test_text_is_refused(text: object, why: str) -> None:
    assert refusal(Name, text) == why


def test_text_may_be_limited_in_bytes() -> None:
    assert refusal(Note, "éééééé") == "text_too_long"


def test_text_may_be_empty_where_it_says_so() -> None:
    assert Note.validate_python("") == ""


def test_text_is_the_same_whatever_keyboard_it_came_from() -> None:
    assert Name.validate_python("Zoe\u0308") == "Zoë"


@settings(deadline=None)
@given(st.text(max_size=20))
def test_text_that_is_taken_can_be_stored_and_compared(text: str) -> None:
    try:
        taken = Name.validate_python(text)
    except ValidationError:
        return
    assert taken == unicodedata.normalize("NFC", taken)
    assert 0 < len(taken) <= 8
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in taken)


def test_the_limits_of_a_text_are_in_its_schema() -> None:
    assert Name.json_schema() == {"type": "string", "minLength": 1, "maxLength": 8}


@pytest.mark.parametrize(
    "text", ["2026-11-21T10:00:00Z", "2026-11-21t11:00:00.000+01:00", "2026-11-21T04:30:00.0-05:30"]
)
def test_a_time_with_an_offset_is_taken_and_is_utc(text: str) -> None:
    moment = Moment.validate_python(text)

    assert moment == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T10:00:00",
        "2026-11-21",
        "2026-02-30T10:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T::::::::Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-11-21T10:00:00Z",
        "1763719200",
        1763719200,
        1763719200.5,
        True,
        None,
    ],
)
def test_any_other_time_is_refused(value: object) -> None:
    refusal(Moment, value)
