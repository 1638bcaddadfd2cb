"""The JSON of a Grafana dashboard: its variables, and its panels, two in a row.

A dashboard has no address of a server: its first variable chooses one of the data sources that Grafana has.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SCHEMA_VERSION = 39
"""The version of Grafana's dashboard model: that of Grafana 10 and 11. Later versions migrate it."""

WIDTH, HEIGHT = 12, 8
"""The size of a panel: the grid is 24 wide."""

Attributes = Mapping[str, object]
"""A JSON object of Grafana's dashboard model."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A graph over time.

    Attributes:
        title: the heading.
        description: the text behind the heading's information symbol.
        targets: the queries.
        unit: Grafana's name of the unit.
        legend: the text for each line; "" for the one that Grafana composes.
        bars: whether to draw stacked bars, for counts, instead of lines.
    """

    title: str
    description: str
    targets: Sequence[Attributes]
    unit: str
    legend: str = ""
    bars: bool = False


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard. `data_source` is the type of its data sources, and `time_from` the begin of what it shows."""

    uid: str
    title: str
    description: str
    data_source: str
    variables: Sequence[Attributes]
    panels: Sequence[Panel]
    time_from: str

    def to_json(self) -> str:
        """Return the content of the dashboard's file."""
        content = {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["influxdb-loader"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": True,
            "graphTooltip": 1,
            "time": {"from": self.time_from, "to": "now"},
            "templating": {"list": [self._data_source_variable(), *self.variables]},
            "panels": [self._panel(number, panel) for number, panel in enumerate(self.panels)],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def _data_source_variable(self) -> Attributes:
        return {"name": "datasource", "label": "Data source", "type": "datasource", "query": self.data_source}

    def _panel(self, number: int, panel: Panel) -> Attributes:
        source = {"type": self.data_source, "uid": "${datasource}"}
        return {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "description": panel.description,
            "datasource": source,
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": number % 2 * WIDTH, "y": number // 2 * HEIGHT},
            "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
            "targets": [
                {"refId": chr(ord("A") + position), "datasource": source, **target}
                for position, target in enumerate(panel.targets)
            ],
        }


def _defaults(panel: Panel) -> Attributes:
    """Return how values are drawn. Points without a value are gaps, which Grafana would otherwise connect."""
    bars = {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}
    style = bars if panel.bars else {"drawStyle": "line", "spanNulls": False}
    name = {"displayName": panel.legend} if panel.legend else {}
    return {"unit": panel.unit, "custom": style, **name}


def choice(name: str, options: Iterable[str], *, label: str) -> Attributes:
    """Return a variable with a fixed list of options, of which the first one is selected."""
    values = list(options)
    selected = [{"text": value, "value": value, "selected": value == values[0]} for value in values]
    return {
        "name": name,
        "label": label,
        "type": "custom",
        "query": ",".join(values),
        "options": selected,
        "current": selected[0],
    }


def query_variable(name: str, query: str, *, data_source: str, label: str, multi: bool = False) -> Attributes:
    """Return a variable whose options a query lists. With `multi`, several or all of them can be selected."""
    several = {"multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": {"type": data_source, "uid": "${datasource}"},
        "query": query,
        "refresh": 2,
        "sort": 1,
        **(several if multi else {}),
    }
