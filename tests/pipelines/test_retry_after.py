"""How long a server may ask to be left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import Throttled
from pipelines.retry_after import LONGEST_PAUSE, SHORTEST_PAUSE, pause_asked_for

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 1),
        ("120", 120),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("1000000000", 3600),
        ("9" * 5000, 3600),
        ("-5", 1),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 12:00:30 -0000", 30),
        ("Sat, 21 Nov 2026 13:00:30 +0100", 30),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 1),
        ("Fri, 21 Nov 2036 12:00:00 GMT", 3600),
    ],
)
def test_a_pause_lasts_from_a_second_to_an_hour(header: str, seconds: int) -> None:
    throttled = Throttled.from_header(header, now=NOW)
    assert throttled is not None
    assert throttled.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "soon", "1.5", "1e3", "+5", "0x10", "NaN", "--5", "\u0661\u0662", "21 Nov"),
        "Sat, 99 Nov 2026 12:00:30 GMT",
        "Sat, 21 Nov 99999 12:00:30 GMT",
        "Sat, 21 Nov 99999999999999999999 12:00:30 GMT",
        "Sat, 21 Nov 2026 12:00:30 +99999999",
    ],
)
def test_garbage_asks_for_nothing(header: str | None) -> None:
    assert Throttled.from_header(header, now=NOW) is None


@given(header=st.text() | st.from_regex(r"\w{3}, -?\d+ (Jan|Nov|Dec) -?\d+ \d+:\d+:\d+ ([+-]\d+|GMT)", fullmatch=True))
def test_whatever_is_said_the_answer_is_a_pause_or_nothing(header: str) -> None:
    pause = pause_asked_for(header, now=NOW)
    assert pause is None or SHORTEST_PAUSE <= pause <= LONGEST_PAUSE
