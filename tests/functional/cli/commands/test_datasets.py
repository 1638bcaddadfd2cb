"""`loader datasets` lists, shows and checks declarations."""

import json
from pathlib import Path

import pytest

from shared.dataset_files import own_file, shipped_file
from shared.datasets import DATASETS, SHIPPED_DATASETS, Declarations
from shared.errors import SettingsError
from tests.support.command_line import run_loader

EXAMPLE = Path(__file__).parents[4] / "datasets.example.toml"


def test_the_list_has_every_dataset() -> None:
    assert [dataset["name"] for dataset in json.loads(run_loader("datasets", "--json").stdout)] == list(DATASETS)
    assert all(name in run_loader("datasets").stdout for name in DATASETS)


def test_a_dataset_is_shown_with_its_defaults_and_its_file() -> None:
    shown = json.loads(run_loader("datasets", "show", "generation", "--json").stdout)
    assert (shown["zone"], shown["earliest"], shown["declared_in"]) == ("UTC", "1990-01-01", str(shipped_file()))
    assert shown["fields"][0] == {"name": "power_mw", "unit": "MW", "minimum": 0.0}
    assert "power_mw (MW), capacity_factor (ratio)" in run_loader("datasets", "show", "generation").stdout


def test_a_dataset_that_is_not_declared_is_named_with_those_that_are() -> None:
    result = run_loader("datasets", "show", "weather")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unknown dataset 'weather': use one of generation" in result.stderr


def test_the_name_of_a_dataset_is_enough_to_show_it() -> None:
    assert run_loader("datasets", "generation").stdout == run_loader("datasets", "show", "generation").stdout
    assert json.loads(run_loader("datasets", "generation", "--json").stdout)["name"] == "generation"


def test_a_mistyped_name_gets_the_close_datasets_or_commands() -> None:
    for words in (["generatoin"], ["show", "generatoin"]):
        result = run_loader("datasets", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "unknown dataset 'generatoin' (did you mean generation?)" in result.stderr
    result = run_loader("datasets", "chekc")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: 'chekc' is neither a command nor a dataset (did you mean check?)\n",
    )


def test_the_check_ends_with_1_if_the_file_has_mistakes_and_with_2_if_there_is_no_file(tmp_path: Path) -> None:
    (file := tmp_path / "datasets.toml").write_text("[wells]\ncolour = 1\n")
    result = run_loader("datasets", "check", str(file))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "4 mistakes in datasets.toml")
    assert run_loader("datasets", "check", str(EXAMPLE)).exit_code == 0
    assert run_loader("datasets", "check").exit_code == 2


def test_own_datasets_stand_beside_those_that_are_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADER_DATASETS", str(EXAMPLE))
    assert list(Declarations(shipped_file, own_file)) == [*SHIPPED_DATASETS, "plants"]
    (repeated := tmp_path / "again.toml").write_text(shipped_file().read_text())
    monkeypatch.setenv("LOADER_DATASETS", str(repeated))
    with pytest.raises(SettingsError, match=r"again.toml declares consumption, generation, transmission again"):
        len(Declarations(shipped_file, own_file))


def test_a_file_to_check_that_does_not_exist_is_to_be_written_with_suggest(tmp_path: Path) -> None:
    result = run_loader("datasets", "check", str(tmp_path / "datasets.toml"))
    assert result.exit_code != 0
    assert "does not exist: write to it what `loader suggest FILE` proposes" in " ".join(result.stderr.split())
