"""The dashboard: one that Grafana imports, whose panels ask for what the service shows."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.promql import selectors_of
from tests.harness.scrape import Scrape

DASHBOARD: dict[str, Any] = json.loads(Path("deploy/grafana/orders.json").read_text())
PANELS: list[dict[str, Any]] = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
QUERIES = [(panel["title"], query["expr"]) for panel in PANELS for query in panel["targets"]]
WIDTH = 24


@pytest.mark.parametrize(("panel", "query"), QUERIES)
def test_a_panel_asks_for_what_the_service_shows(panel: str, query: str, scraped: Scrape) -> None:
    assert scraped.missing(query) == [], panel


def test_the_source_of_data_is_a_variable() -> None:
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"] == "datasource"
    sources = [each["datasource"]["uid"] for panel in PANELS for each in (panel, *panel["targets"])]
    assert set(sources) == {"${datasource}"}


def test_panels_have_an_id_each_and_do_not_overlap() -> None:
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = [cell for each in DASHBOARD["panels"] for cell in _cells(each["gridPos"])]
    assert len(taken) == len(set(taken))
    assert all(0 <= column < WIDTH for column, _ in taken)


@pytest.mark.parametrize(
    "metric",
    [
        "orders_http_requests_total",
        "orders_http_request_duration_seconds_bucket",
        "pipeline_runs",
        "pipeline_oldest_ready_seconds",
        "pipeline_step_wait_seconds_bucket",
        "pipeline_step_attempts_total",
        "pipeline_commit_seconds_bucket",
        "pipeline_commit_batch_size_sum",
        "orders_mails_total",
        "orders_webhook_deliveries_total",
        "pipeline_schedule_last_success_timestamp_seconds",
        "pipeline_processes",
    ],
)
def test_it_shows(metric: str) -> None:
    assert metric in {each.metric for _, query in QUERIES for each in selectors_of(query)}


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(column, line) for column in columns for line in lines]
