"""A suggested declaration loads the files that it was made for, with nothing edited and nothing set aside."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cli.dataset_check import find_mistakes
from cli.errors import RefusedError
from cli.suggestion.suggestion import Suggestion, suggest
from cli.suggestion.text import toml_text
from tests.support import utility_tables
from tests.support.builders import parquet
from tests.support.command_line import NOWHERE

TABLES = {
    "entsoe": utility_tables.entsoe(),
    "aemo": utility_tables.aemo(),
    "ons": utility_tables.ons(),
    "long": utility_tables.long_table(),
}


def suggest_for(folder: Path, *tables: pa.Table, zone: str = "") -> Suggestion:
    paths = [folder / f"table_{number}.parquet" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        path.write_bytes(parquet(table))
    return suggest(paths, "grid", zone)


def plan(folder: Path, suggestion: Suggestion, *words: object) -> Any:
    """Run `loader plan` of these words with the suggestion as the user's own declarations."""
    (declarations := folder / "datasets.toml").write_text(toml_text(suggestion))
    assert find_mistakes(declarations) == []
    command = [str(Path(sys.executable).with_name("loader")), "plan", "--detached", "--json"]
    environment = os.environ | NOWHERE | {"LOADER_DATASETS": str(declarations)}
    shown = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False, env=environment)
    assert shown.stdout, shown.stderr
    return json.loads(shown.stdout)


@pytest.mark.parametrize("name", TABLES)
def test_files_of_other_grids_would_load_with_nothing_edited(name: str, tmp_path: Path) -> None:
    suggestion = suggest_for(tmp_path, TABLES[name])
    planned = plan(tmp_path, suggestion, tmp_path / "table_0.parquet", "--dataset", "grid")
    assert (planned["message"], planned["error"]) == ("would load", None)
    assert planned["input_rows"] == TABLES[name].num_rows
    assert (planned["set_aside_rows"], planned["collapsed_rows"]) == ({}, 0)
    assert planned["first_lines"][0].startswith("grid,")
    shown = planned["plausibility"]
    assert (suggestion.series, suggestion.shards) == (shown["series"], shown["shards"])


@pytest.mark.parametrize(
    ("name", "tags", "required", "fields"),
    [
        (
            "entsoe",
            ["AreaCode", "ProductionType"],
            2,
            {"ActualGenerationOutput[MW]": "MW", "ActualConsumption[MW]": "MW"},
        ),
        ("aemo", ["REGIONID"], 1, {"TOTALDEMAND": "unknown", "AVAILABLEGENERATION": "unknown"}),
        ("ons", ["nom_usina"], 0, {"val_geracao": "unknown"}),
        ("long", ["SiteNo"], 1, {"value_mw": "MW", "value_mwh": "MWh"}),
    ],
)
def test_the_tags_are_the_smallest_set_that_distinguishes_all_rows(
    name: str, tags: list[str], required: int, fields: dict[str, str], tmp_path: Path
) -> None:
    suggestion = suggest_for(tmp_path, TABLES[name])
    assert (list(suggestion.tags), len(suggestion.required), suggestion.units) == (tags, required, fields)
    assert suggestion.collisions == 0


def test_rows_that_no_column_distinguishes_are_counted_and_shown(tmp_path: Path) -> None:
    table = utility_tables.aemo(2).drop(["REGIONID"])
    suggestion = suggest_for(tmp_path, table)
    assert (suggestion.tags, suggestion.collisions) == ([], 4)
    assert suggestion.examples == ["SETTLEMENTDATE=2024-01-01 00:05:00", "SETTLEMENTDATE=2024-01-01 00:10:00"]
    assert "all but 4 rows" in toml_text(suggestion)


def test_a_number_is_a_tag_only_if_nothing_else_distinguishes_the_rows(tmp_path: Path) -> None:
    units = pa.table(
        {
            "time": pa.array([hour * 3600 for hour in range(4) for _ in range(30)], pa.timestamp("s", "UTC")),
            "generator": list(range(30)) * 4,
            "power_mw": [float(row) for row in range(120)],
        }
    )
    assert suggest_for(tmp_path, units).tags == ["generator"]
    named = units.append_column("plant", pc.cast(units["generator"], pa.string()))
    suggestion = suggest_for(tmp_path, named)
    assert (suggestion.tags, suggestion.units) == (["plant"], {"generator": "unknown", "power_mw": "MW"})


def test_a_column_that_a_file_lacks_is_an_optional_tag(tmp_path: Path) -> None:
    table = utility_tables.entsoe()
    suggestion = suggest_for(tmp_path, table.drop(["ProductionType"]).slice(0, 1), table)
    assert (list(suggestion.tags), set(suggestion.required)) == (["AreaCode", "ProductionType"], {"AreaCode"})


def test_the_name_and_the_revision_come_from_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / "dataset=wells" / "processed_at=2024-08-01 03:04:05.678901" / "region=N"
    folder.mkdir(parents=True)
    (folder / "a.parquet").write_bytes(parquet(utility_tables.aemo()))
    suggestion = suggest([folder / "a.parquet"], "", "")
    assert (suggestion.name, suggestion.revision, suggestion.path_tags) == ("wells", "processed_at", ["region"])
    assert 'required_tags = ["region", "regionid"]\n' in toml_text(suggestion)


def test_folders_distinguish_the_rows_of_several_files(tmp_path: Path) -> None:
    paths = [tmp_path / f"dataset=wells/year=2024/region={region}/a.parquet" for region in ("N", "S")]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_bytes(parquet(utility_tables.aemo().filter(pc.field("REGIONID") == "QLD1")))
    suggestion = suggest(paths, "", "")
    assert (suggestion.path_tags, suggestion.tags, suggestion.series, suggestion.collisions) == (["region"], [], 2, 0)
    (declarations := tmp_path / "datasets.toml").write_text(toml_text(suggestion))
    assert find_mistakes(declarations) == []


def test_keys_that_name_no_dataset_match_the_suggested_pattern(tmp_path: Path) -> None:
    paths = [tmp_path / f"region={region}/year=2024/day-{region}/a.parquet" for region in ("N", "S")]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_bytes(parquet(utility_tables.aemo().filter(pc.field("REGIONID") == "QLD1")))
    suggestion = suggest(paths, "grid", "")
    assert suggestion.key_pattern == "region={region}/year=*/*/*.parquet"
    assert (suggestion.path_tags, suggestion.series, suggestion.collisions) == (["region"], 2, 0)
    planned = plan(tmp_path, suggestion, paths[1])
    assert (planned["error"], planned["key"]) == (None, "region=S/year=2024/day-S/a.parquet")
    assert ",region=S " in planned["first_lines"][0]


def test_a_file_without_varying_numbers_is_refused_with_the_reasons(tmp_path: Path) -> None:
    table = utility_tables.aemo().select(["SETTLEMENTDATE", "REGIONID", "RUNNO"])
    with pytest.raises(RefusedError, match=r"no column has numbers that vary.*RUNNO is always 1"):
        suggest_for(tmp_path, table)
