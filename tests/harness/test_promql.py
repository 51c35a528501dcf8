import pytest

from tests.harness.promql import Matcher, Selector, grouped_by, selectors_of


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up > 0", ["up"]),
        (
            "sum by (route) (rate(requests_total[5m])) / sum(rate(all_total[5m])) > 0.01",
            ["requests_total", "all_total"],
        ),
        ("time() - max by (s) (last_success) > 600 and last_success offset 600s", ["last_success", "last_success"]),
        ("rate(cpu_total[$__rate_interval]) and on (instance) build_info", ["cpu_total", "build_info"]),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression: str, metrics: list[str]) -> None:
    assert [each.metric for each in selectors_of(expression)] == metrics


def test_conditions_are_read_whatever_their_values_hold() -> None:
    expression = 'requests{route!~"/a|/b/[{]id[}]", status="500"}'
    conditions = (Matcher("route", "!~", "/a|/b/[{]id[}]"), Matcher("status", "=", "500"))
    assert list(selectors_of(expression)) == [Selector("requests", conditions)]
    assert conditions[0].alternatives == ["/a", "/b/[{]id[}]"]


def test_groups_are_labels() -> None:
    assert grouped_by("sum by (route, le) (x) / on (instance) y") == {"route", "le", "instance"}
