import json

import pytest
from pydantic import BaseModel, SecretStr

from orders_service.console.shown_json import (
    HIDDEN,
    MOST_CHARACTERS,
    MOST_READ,
    TOO_LONG,
    UNREADABLE,
    ShownJson,
    declared_secrets,
    shown,
)

CANARY = "canary-7f3a"


class Card(BaseModel):
    pin: SecretStr
    owner: str


class Purse(BaseModel):
    cards: list[Card]
    wallet: SecretStr | None = None


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "client_secret",
        "access_token",
        "Authorization",
        "credentials",
        "webhook-signature",
        "api_key",
        "apiKey",
        "private_key",
        "cookie",
    ],
)
def test_what_is_called_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    text = shown(json.dumps({"rows": [{name: CANARY}], "of": {name: {"deep": [CANARY]}}})).text
    assert CANARY not in text
    assert text.count(HIDDEN) == 2


def test_a_secret_in_a_body_that_was_kept_as_it_was_sent_is_hidden() -> None:
    body = json.dumps({"token": CANARY, "amount": 3})
    text = shown(json.dumps({"body": body})).text
    assert CANARY not in text
    assert "amount" in text


def test_a_body_without_secrets_stays_as_it_is() -> None:
    assert json.loads(shown(json.dumps({"body": '{"a":  1.10}'})).text) == {"body": '{"a":  1.10}'}


def test_a_secret_that_is_not_there_is_not_hidden() -> None:
    assert json.loads(shown('{"password": null}').text) == {"password": None}


def test_what_a_type_declares_as_secret_is_hidden_under_any_name() -> None:
    names = declared_secrets(Purse, None, int)
    assert names == {"pin", "wallet"}
    assert CANARY not in shown(json.dumps({"cards": [{"pin": CANARY, "owner": "ada"}]}), names).text


def test_large_numbers_survive() -> None:
    assert "12345678901234567890123" in shown('{"n": 12345678901234567890123}').text


def test_what_is_too_long_is_cut_and_says_so() -> None:
    cut = shown(json.dumps(["x" * MOST_CHARACTERS]))
    assert len(cut.text) == MOST_CHARACTERS
    assert cut.left_out == len('[\n  ""\n]')


def test_what_is_much_too_long_is_not_even_read() -> None:
    stored = json.dumps(["x" * MOST_READ])
    assert shown(stored) == ShownJson(TOO_LONG, len(stored))


@pytest.mark.parametrize("stored", ["", "{", "[" * 100_000, '{"password": "' + CANARY])
def test_what_cannot_be_read_is_not_shown(stored: str) -> None:
    assert shown(stored).text == UNREADABLE


def test_characters_that_no_page_can_hold_are_replaced() -> None:
    assert shown(r'"\ud800"').text == '"?"'
