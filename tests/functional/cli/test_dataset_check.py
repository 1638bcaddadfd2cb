"""The check of a file of declarations finds what the functions would stumble over, and all of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.dataset_check import describe_mistakes, find_mistakes
from shared.dataset_files import shipped_file
from shared.datasets import read_datasets
from shared.errors import SettingsError

WELLS = """\
[wells]
measurement = "well_data"
required_tags = ["site"]
fields = [{ name = "depth_m", unit = "m" }]
"""

KEYS = ["measurement", "required_tags", "optional_tags", "fields", "timestamp", "zone", "epoch", "aliases"]
KEYS += ["ignored_columns", "earliest", "latest", "max_series", "max_set_aside_rate", "max_collision_rate"]
KEYS += ["influxdb_bucket", "revision", "key_pattern", "path_tags", "revisions", "unknown"]
VALUES = ['"site"', '"UTC"', '"s"', '["site"]', "[]", "1", "0.5", "-1", "true", "2024-01-01", '{ a = "depth_m" }']
VALUES += [
    '[{ name = "a", unit = "m" }]',
    "[{ unit = 1 }]",
    '"replace"',
    '"a/{site}/*"',
    '[{ name = "a", unit = "m", maximum = "x" }]',
    "[1]",
]


def write(folder: Path, text: str) -> Path:
    path = folder / "datasets.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_and_one_that_does_not_exist_have_no_mistakes(tmp_path: Path) -> None:
    assert describe_mistakes(shipped_file()) == describe_mistakes(tmp_path / "none.toml") == ""


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('zone = "Mars/Olympus"', "5: wells.zone is not valid: 'Mars/Olympus' is not a time zone: use"),
        ('earlyest = "2020-01-01"', "5: wells.earlyest is not a key of a declaration: check its spelling"),
        ('bucket = "site"', "5: wells.bucket is called influxdb_bucket now: rename it, since removing it would"),
        ('optional_tags = "site"', '5: wells.optional_tags must be a list: write ["a", "b"]'),
        ('optional_tags = ["site"]', "5: wells.optional_tags is not valid: 'site' is declared 2 times"),
        ("max_collision_rate = 2.0", "5: wells.max_collision_rate is not valid: max_collision_rate is 2.0: use a"),
        ('key_pattern = "raw/{siet}/*"', "5: wells.key_pattern is not valid: the group 'siet' is not in path_tags"),
        ('key_pattern = "a/dataset=generation/*"', "5: wells.key_pattern matches only keys in the folder of dataset"),
        ('max_series = "many"', "5: wells.max_series must be a whole number"),
        ("max_series = 0", "5: wells.max_series is not valid: max_series is 0: use a number of at least 1"),
        ("influxdb_bucket = 5", "5: wells.influxdb_bucket must be text: write it in quotes"),
        ('epoch = "hours"', "5: wells.epoch is not valid: Input should be 's', 'ms', 'us' or 'ns'"),
        ("earliest = 2024-01-01\nlatest = 2023-01-01", "5: wells.earliest is not valid: earliest and latest must be"),
        ("[generation]", "5: generation is declared by the loader itself: choose another name"),
        ("[empty]", "5: empty.measurement is missing: add it"),
        ("x =", "5: datasets.toml is not TOML: Invalid value (at line 5, column 4)"),
    ],
)
def test_a_mistake_has_its_line_its_key_and_what_to_do(tmp_path: Path, line: str, mistake: str) -> None:
    path = write(tmp_path, f"{WELLS}{line}\n")
    assert f"{path}:{mistake}" in describe_mistakes(path)


def test_two_patterns_that_match_the_same_key_are_a_mistake(tmp_path: Path) -> None:
    others = {"pumps": "raw/**", "tanks": "raw/{a}b.parquet"}
    tables = [f'[{name}]\n{WELLS.split(chr(10), 1)[1]}key_pattern = "{pattern}"\n' for name, pattern in others.items()]
    mistakes = find_mistakes(write(tmp_path, "".join(tables)))
    assert [str(mistake.message) for mistake in mistakes if "both" in mistake.message] == [
        "and that of pumps both match keys such as 'raw/xb.parquet': change one of them"
    ]
    assert [(mistake.line, mistake.place) for mistake in mistakes] == [(10, "tanks.key_pattern")] * 2


def test_all_mistakes_are_listed_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, f"{WELLS}zone = 1\ncolour = 2\n[pumps]\nfields = 3\n")
    places = [(mistake.line, mistake.place) for mistake in find_mistakes(path)]
    assert places == [
        (5, "wells.zone"),
        (6, "wells.colour"),
        (7, "pumps.measurement"),
        (7, "pumps.required_tags"),
        (8, "pumps.fields"),
    ]


@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2))
def test_a_file_without_mistakes_is_read_by_the_functions_and_no_other_is_a_surprise(
    tmp_path_factory: pytest.TempPathFactory, declaration: dict[str, str]
) -> None:
    values = dict(line.split(" = ", 1) for line in WELLS.splitlines()[1:]) | declaration
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    path = write(tmp_path_factory.mktemp("datasets"), f"[wells]\n{lines}")
    if find_mistakes(path):
        return
    assert read_datasets(path).keys() == {"wells"}


def test_the_functions_name_the_file_and_the_command_that_lists_its_mistakes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"datasets.toml: .*`loader datasets check` lists all mistakes"):
        read_datasets(write(tmp_path, f"{WELLS}colour = 2"))
