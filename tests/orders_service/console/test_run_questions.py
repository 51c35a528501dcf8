"""A filter in the URL means what the API's does, and says itself again: as a URL, as fields, and in words."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from orders_service.console.run_questions import RunQuestion, Within, fields_of, in_words
from orders_service.operations import RunChoice
from pipelines import RunState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ASKED = {
    "pipeline": "fulfill-order",
    "state": ["failed", "quarantined"],
    "step": "notify_warehouse",
    "version": "25012c1556c0",
    "error": "ä & b=c",
    "created_after": "2026-11-28T11:00:00Z",
    "created_before": "2026-11-28T12:00:00.5+01:00",
}


def test_as_a_url_it_asks_the_same() -> None:
    asked = RunQuestion.model_validate(ASKED | {"within": "1h"})
    again = dict[str, object](parse_qsl(str(asked))) | {"state": ["failed", "quarantined"]}
    assert RunQuestion.model_validate(again) == asked


def test_what_is_left_empty_is_not_asked() -> None:
    asked = RunQuestion.model_validate(dict.fromkeys([*ASKED, "within"], "") | {"state": [""]})
    assert asked == RunQuestion()
    assert (str(asked), fields_of(asked), in_words(asked)) == ("", [], [])


def test_in_words_it_leaves_nothing_out() -> None:
    assert in_words(RunQuestion.model_validate(ASKED)) == [
        "of the pipeline fulfill-order",
        "at the step notify_warehouse",
        "of the version 25012c1556c0",
        "with “ä & b=c” in the error",
        "started at 2026-11-28 11:00:00 UTC or later",
        "started before 2026-11-28 11:00:00 UTC",
    ]


@pytest.mark.parametrize(("said", "hour"), [("2026-11-28T12:00", 12), ("2026-11-28T12:00:00.5", 12)])
def test_a_time_without_an_offset_is_in_utc(said: str, hour: int) -> None:
    moment = RunQuestion.model_validate({"created_after": said}).created_after
    assert moment is not None
    assert (moment.hour, moment.tzinfo) == (hour, UTC)


@pytest.mark.parametrize("within", Within)
def test_how_far_back_is_told_from_now(within: Within) -> None:
    choice = RunQuestion(within=within, created_before=NOON).at(NOON)
    assert choice == RunChoice(created_after=NOON - within.length, created_before=NOON)
    assert within.in_words.startswith("the last ")


def test_of_two_beginnings_the_later_one_holds() -> None:
    later = NOON - timedelta(minutes=5)
    assert RunQuestion(within=Within.HOUR, created_after=later).at(NOON).created_after == later
    assert RunQuestion(within=Within.HOUR, created_after=NOON - timedelta(days=9)).at(NOON).created_after == (
        NOON - timedelta(hours=1)
    )


def test_all_that_was_asked_is_handed_on() -> None:
    choice = RunQuestion.model_validate(ASKED).at(NOON)
    assert choice.states == [RunState.FAILED, RunState.QUARANTINED]
    assert fields_of(choice) == fields_of(RunQuestion.model_validate(ASKED))
    assert len(fields_of(choice)) == len(ASKED) + 1


@pytest.mark.parametrize("spoiled", [{"owner": "ada"}, {"step": "a\tb"}, {"state": ["a\x00"]}, {"within": "1y"}, "x"])
def test_what_nobody_means_is_refused(spoiled: object) -> None:
    with pytest.raises(ValidationError):
        RunQuestion.model_validate(spoiled)
