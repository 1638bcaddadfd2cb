"""The dashboard of a dataset: a panel for each field, from InfluxQL, which InfluxDB 1.8, 2 and 3 answer."""

from cli.grafana.panels import Attributes, Dashboard, Panel, choice, query_variable
from shared.datasets import Dataset, Field

DATA_SOURCE = "influxdb"

UNITS = {"ratio": "percentunit", "%": "percent"}
"""Grafana's names of units. All others are written behind the value as they are declared."""


def dataset_dashboard(dataset: Dataset) -> Dashboard:
    """Return the dashboard of a dataset."""
    return Dashboard(
        uid=f"influxdb-loader-{dataset.name}"[:40],
        title=f"InfluxDB loader: {dataset.name}",
        description=f"The fields of the measurement {dataset.measurement}.",
        data_source=DATA_SOURCE,
        variables=[*(_tag_variable(dataset, tag) for tag in dataset.required_tags), _grouping(dataset), _filter()],
        panels=[_panel(dataset, field) for field in dataset.fields],
        time_from="now-30d",
    )


def _tag_variable(dataset: Dataset, tag: str) -> Attributes:
    """Return the variable that selects values of a tag.

    Optional tags have none: a filter on any value would leave out the points without the tag in InfluxDB 3.
    """
    query = f'SHOW TAG VALUES FROM "{dataset.measurement}" WITH KEY = "{tag}"'
    return query_variable(tag, query, data_source=DATA_SOURCE, label=tag, multi=True)


def _grouping(dataset: Dataset) -> Attributes:
    """Return the variable that says which tag has a line for each of its values: the second one, if there are two."""
    first = dataset.required_tags[1:2]
    others = [tag for tag in dataset.tags if tag not in first]
    return choice("by", [*first, *others], label="A line for each")


def _filter() -> Attributes:
    """Return the variable with which any tag can be filtered, also an optional one."""
    source = {"type": DATA_SOURCE, "uid": "${datasource}"}
    return {"name": "filter", "label": "More filters", "type": "adhoc", "datasource": source}


def _panel(dataset: Dataset, field: Field) -> Panel:
    conditions = " AND ".join(["$timeFilter", *(f'"{tag}" =~ /^${{{tag}}}$/' for tag in dataset.required_tags)])
    values = f'SELECT mean("{field.name}") FROM "{dataset.measurement}"'  # noqa: S608 - both names are declared
    query = f'{values} WHERE {conditions} GROUP BY time($__interval), "${{by:raw}}" fill(null)'
    return Panel(
        title=f"{field.name} ({field.unit})" if field.unit else field.name,
        description="The mean over all selected series, for each value of the chosen tag.",
        targets=[{"query": query, "rawQuery": True, "resultFormat": "time_series"}],
        unit=UNITS.get(field.unit, f"suffix: {field.unit}" if field.unit else "none"),
        legend="${__field.labels.__values}",
    )
