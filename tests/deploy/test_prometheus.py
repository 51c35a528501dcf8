"""The alerts: each asks for what the service shows, has a unit test, and a section of the runbook."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from orders_service.background import schedules_of
from orders_service.settings import Settings
from pipelines import Schedule
from tests.harness.promql import selectors_of
from tests.harness.scrape import Scrape

FOLDER = Path("deploy/prometheus")
RUNBOOK = Path("docs/runbook.md")
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"] for rule in group["rules"]
]
FILES = sorted(FOLDER.glob("*_test.yaml"))
TESTS: list[dict[str, Any]] = [test for file in FILES for test in yaml.safe_load(file.read_text())["tests"]]
SCHEDULES = schedules_of(Settings())
WANTED = {
    "StepFailing",
    "WebhookFailing",
    "BacklogOld",
    "DeadRuns",
    "ScheduleStale",
    "RequestsFailing",
    "RequestsSlow",
    "CommitsSlow",
    "LeaseLost",
}


def names(rule: dict[str, Any]) -> str:
    return " ".join(filter(None, (rule["alert"], rule["labels"].get("schedule"))))


def named_in(page: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, Path(page).read_text()))


def test_all_that_somebody_should_know_about_has_an_alert() -> None:
    assert {rule["alert"] for rule in RULES} == WANTED


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_asks_for_what_the_service_shows(rule: dict[str, Any], scraped: Scrape) -> None:
    assert scraped.missing(rule["expr"]) == []


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    address, _, section = rule["annotations"]["runbook_url"].partition("#")
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert address == "https://example.com/orders/runbook"
    assert section == rule["alert"].lower()


def test_each_alert_has_a_section_of_the_runbook_and_each_section_an_alert() -> None:
    assert named_in(str(RUNBOOK), r"(?m)^## (\w+)$") == WANTED


def test_each_section_of_the_runbook_says_what_it_means_what_to_look_at_and_what_to_do() -> None:
    for section in RUNBOOK.read_text().split("\n## ")[1:]:
        assert all(word in section for word in ("**Meaning.**", "**Look at**", "**Do.**")), section.splitlines()[0]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.name)
def test_a_schedule_is_stale_after_two_of_its_own_intervals(schedule: Schedule[Any]) -> None:
    [rule] = [each for each in RULES if each["labels"].get("schedule") == schedule.name]
    twice = round(2 * _longest_interval(schedule).total_seconds())
    assert f'{{schedule="{schedule.name}"}}) > {twice}\n' in rule["expr"]
    assert f'{{schedule="{schedule.name}"}} offset {twice}s)\n' in rule["expr"]


def test_no_alert_is_for_a_schedule_that_is_gone() -> None:
    stale = {rule["labels"]["schedule"] for rule in RULES if rule["alert"] == "ScheduleStale"}
    assert stale == {each.name for each in SCHEDULES}


def test_subscribers_who_fail_page_nobody() -> None:
    for rule in RULES:
        if rule["alert"] in {"StepFailing", "DeadRuns"}:
            assert all('pipeline!="deliver-event"' in line for line in rule["expr"].splitlines() if "{" in line)


@pytest.mark.parametrize("rule", RULES, ids=names)
def test_an_alert_is_tested_when_it_fires_and_when_it_does_not(rule: dict[str, Any]) -> None:
    """What the tests of it say is for promtool to judge, see below."""
    about = [each for test in TESTS for each in test["alert_rule_test"] if each["alertname"] == rule["alert"]]
    fired = [alert["exp_labels"] for each in about for alert in each["exp_alerts"]]
    assert rule["labels"].items() <= {item for labels in fired for item in labels.items()}
    assert any(not each["exp_alerts"] for each in about)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["name"])
def test_a_unit_test_feeds_what_the_service_shows(test: dict[str, Any], scraped: Scrape) -> None:
    for fed in test["input_series"]:
        assert scraped.missing(fed["series"]) == []
        assert list(selectors_of(fed["series"]))


def test_promtool_passes_its_tests_where_it_is_there() -> None:
    """Elsewhere the file is at least one that it would read."""
    promtool = shutil.which("promtool")
    if promtool is not None:
        run = subprocess.run(  # noqa: S603 - our own files
            [promtool, "test", "rules", *FILES], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
    for test in TESTS:
        assert test.keys() == {"name", "interval", "input_series", "alert_rule_test"}


@pytest.mark.parametrize("page", ["README.md", "docs/metrics.md", "docs/runbook.md"])
def test_each_metric_that_a_page_names_is_shown(page: str, scraped: Scrape) -> None:
    named = named_in(page, r"(?<![\w.])(?:pipeline|orders|process)_[a-z]+_[a-z_]*[a-z](?![\w/.])")
    assert named - scraped.names - scraped.families - {"orders_service"} == set()


def test_each_metric_of_ours_is_explained(scraped: Scrape) -> None:
    ours = {each for each in scraped.families if each.startswith(("pipeline_", "orders_"))}
    explained = Path("docs/metrics.md").read_text()
    assert {each for each in ours if f"`{each}" not in explained} == set()


def _longest_interval(schedule: Schedule[Any]) -> timedelta:
    fires = [datetime(2026, 1, 1, tzinfo=UTC)]
    for _ in range(50):
        following = schedule.next_after(fires[-1])
        assert following is not None
        fires.append(following)
    return max(later - earlier for earlier, later in pairwise(fires[1:]))
