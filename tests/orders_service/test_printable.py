from hypothesis import given
from hypothesis import strategies as st

from orders_service.printable import printable


def test_what_steers_a_terminal_is_shown_instead() -> None:
    assert printable("\x1b[31mred\x07\r\n\x9b0m") == r"\x1b[31mred\x07\r\n\x9b0m"


def test_what_turns_a_line_round_is_shown_instead() -> None:
    assert printable("a\u202eb\u2066c\u200fd\u2028e") == r"a\u202eb\u2066c\u200fd\u2028e"


def test_what_people_write_stays() -> None:
    assert printable("Ærøskøbing, 東京, עברית, [bold] 😀") == "Ærøskøbing, 東京, עברית, [bold] 😀"


def test_what_is_no_text_is_written_as_python_does() -> None:
    assert printable(7) == "7"


@given(st.text())
def test_whatever_is_printed_is_one_visible_line(text: str) -> None:
    assert printable(text).isprintable()
