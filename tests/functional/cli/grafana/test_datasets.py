"""The dashboards of datasets name what the datasets declare, and a real engine answers their queries."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

from cli.grafana.datasets import dataset_dashboard
from local.influxdb.engine import Engine
from local.samples import write_samples
from shared.datasets import SHIPPED_DATASETS
from tests.support.conversion import convert_table


def content(name: str) -> dict[str, Any]:
    return dict(json.loads(dataset_dashboard(SHIPPED_DATASETS[name]).to_json()))


def queries(name: str) -> list[str]:
    return [target["query"] for panel in content(name)["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("name", SHIPPED_DATASETS)
def test_every_field_has_a_panel_and_every_name_is_declared(name: str) -> None:
    dataset = SHIPPED_DATASETS[name]
    assert [re.findall(r'mean\("(\w+)"\)', query) for query in queries(name)] == [
        [each] for each in dataset.field_names
    ]
    for query in queries(name):
        assert re.findall(r'FROM "(\w+)"', query) == [dataset.measurement]
        assert re.findall(r'"(\w+)" =~', query) == list(dataset.required_tags)


@pytest.mark.parametrize("name", SHIPPED_DATASETS)
def test_the_lines_can_be_those_of_any_tag(name: str) -> None:
    [variable] = [each for each in content(name)["templating"]["list"] if each["name"] == "by"]
    assert {option["value"] for option in variable["options"]} == set(SHIPPED_DATASETS[name].tags)
    assert variable["current"]["value"] == SHIPPED_DATASETS[name].required_tags[1]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine with the sample files of all datasets in the database energy."""
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder)
    engine.start()
    engine.create_bucket("energy")
    address = f"http://127.0.0.1:{engine.port}"
    for name, sample in write_samples(folder, 1_000).items():
        lines = convert_table(pq.read_table(sample.path), SHIPPED_DATASETS[name]).lines
        written = requests.post(f"{address}/write", params={"db": "energy"}, data="\n".join(lines), timeout=10)
        written.raise_for_status()
    yield address
    engine.stop()


def ask(url: str, query: str) -> list[dict[str, Any]]:
    reply = requests.get(f"{url}/query", params={"db": "energy", "q": query}, timeout=10).json()
    assert "error" not in reply["results"][0], reply
    return list(reply["results"][0].get("series", []))


@pytest.mark.parametrize("name", SHIPPED_DATASETS)
def test_an_engine_answers_each_query_with_a_line_for_each_value(url: str, name: str) -> None:
    """Grafana replaces the variables: here, all values are selected, and the days of the sample file."""
    variables = {each["name"]: each for each in content(name)["templating"]["list"] if "query" in each}
    for tag in SHIPPED_DATASETS[name].required_tags:
        assert ask(url, variables[tag]["query"])[0]["values"], tag
    [by] = {variables["by"]["current"]["value"]}
    values = ask(url, variables[by]["query"])[0]["values"]
    for query in queries(name):
        filled = query.replace("$timeFilter", "time >= '2024-01-01' AND time < '2024-02-01'")
        filled = re.sub(r"\$\{by:raw\}", by, filled.replace("$__interval", "1d"))
        filled = re.sub(r"\$\{\w+\}", lambda match: variables[match[0][2:-1]]["allValue"], filled)
        series = ask(url, filled)
        assert sorted(each["tags"][by] for each in series) == sorted(value for _, value in values)
        assert all(any(mean is not None for _, mean in each["values"]) for each in series)
