"""The JSON of dashboards: panels do not overlap, and nothing names a server."""

import json
import re
from typing import Any

import pytest

from cli.grafana.files import dashboard_files
from cli.grafana.panels import choice


@pytest.fixture(params=sorted(dashboard_files()))
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(json.loads(dashboard_files()[request.param]))


def test_panels_have_numbers_and_places_of_their_own(dashboard: dict[str, Any]) -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in dashboard["panels"]}) == len(places) > 0
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in dashboard["panels"])


def test_queries_of_a_panel_have_names_of_their_own(dashboard: dict[str, Any]) -> None:
    for panel in dashboard["panels"]:
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names) > 0


def test_every_variable_that_is_used_is_declared(dashboard: dict[str, Any]) -> None:
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps(dashboard["panels"] + dashboard["templating"]["list"])
    used = set(re.findall(r"\$\{?(\w+)", text))
    assert used - {"timeFilter", "__interval", "__field", "__all", "PROP"} == declared - {"filter"}


def test_only_the_variable_names_the_data_source(dashboard: dict[str, Any]) -> None:
    sources = {panel["datasource"]["uid"] for panel in dashboard["panels"]}
    assert sources == {"${datasource}"}
    assert "http" not in json.dumps(dashboard)


def test_a_choice_selects_its_first_option() -> None:
    variable = choice("by", ["line_id", "region"], label="A line for each")
    assert variable["current"] == {"text": "line_id", "value": "line_id", "selected": True}
