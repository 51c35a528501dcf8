import json

import pytest

from orders_service.problems import CODES, KINDS, Code, Flaw, Problem, answer, problem_for, responses

A_SCOPE = {"type": "http", "state": {"request_id": 'a"b'}}


def test_each_code_has_its_kind() -> None:
    assert set(CODES) == set(KINDS)


def test_a_problem_says_all_that_programs_rely_on() -> None:
    flaw = Flaw(location="body", pointer="/items/0", message="too dear")

    response = answer(Problem("invalid-request", "No.", errors=[flaw]), A_SCOPE)

    assert json.loads(bytes(response.body)) == {
        "type": "urn:orders-service:problem:invalid-request",
        "title": "Invalid request",
        "status": 422,
        "detail": "No.",
        "instance": "urn:orders-service:request:a%22b",
        "code": "invalid-request",
        "request_id": 'a"b',
        "errors": [{"location": "body", "pointer": "/items/0", "message": "too dear"}],
    }
    assert response.headers["content-type"] == "application/problem+json"


def test_a_problem_without_flaws_lists_none() -> None:
    assert "errors" not in json.loads(bytes(answer(Problem("not-found"), A_SCOPE).body))


def test_no_cache_keeps_a_problem() -> None:
    assert answer(Problem("not-found"), A_SCOPE).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("code", [code for code in CODES if KINDS[code].status in {429, 503}])
def test_who_is_sent_away_for_now_is_told_for_how_long(code: Code) -> None:
    assert int(answer(Problem(code), A_SCOPE).headers["retry-after"]) > 0


def test_a_stranger_is_told_how_to_show_who_he_is() -> None:
    assert answer(Problem("unauthenticated"), A_SCOPE).headers["www-authenticate"] == "Bearer"


def test_headers_can_be_given() -> None:
    problem = Problem("overloaded", headers={"Retry-After": "7"})

    assert answer(problem, A_SCOPE).headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not-found"), (418, "malformed-request"), (503, "unavailable"), (502, "internal-error")]
)
def test_a_bare_status_gets_the_code_nearest_to_it(status: int, code: str) -> None:
    assert problem_for(status).code == code


def test_a_status_with_several_codes_is_declared_with_all_of_them() -> None:
    assert "`idempotency-key-conflict`" in responses(422)[422]["description"]


def test_a_status_without_a_code_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="418"):
        responses(418)
