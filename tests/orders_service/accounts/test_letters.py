import pytest

from orders_service.accounts.letters import salutation_of


@pytest.mark.parametrize(
    ("name", "salutation"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Jean-Luc O'Neill", "Jean-Luc O'Neill"),
        ("Sally O\u2019Brien", "Sally O\u2019Brien"),
        ("Martin L. King", "Martin L. King"),
        ("Зоя Космодемьянская", "Зоя Космодемьянская"),
        ("अनिल", "अनिल"),
        ("李小龙", "李小龙"),
        ("evil.example", None),
        ("https://evil.example", None),
        ("Ada @ home", None),
        ("call 0900", None),
        ("please look at my new and very cheap offers", None),
        ("Ada!", None),
    ],
)
def test_only_what_looks_like_a_name_is_said_in_a_letter(name: str, salutation: str | None) -> None:
    assert salutation_of(name) == salutation
