"""`loader suggest` prints a declaration that `loader datasets check` accepts."""

import json
import tomllib
from pathlib import Path

from tests.support.builders import parquet
from tests.support.command_line import run_loader
from tests.support.utility_tables import aemo


def test_the_suggestion_can_be_added_to_the_declarations(tmp_path: Path) -> None:
    (file := tmp_path / "dispatch.parquet").write_bytes(parquet(aemo()))
    result = run_loader("suggest", str(file))
    assert result.exit_code == 0, result.stderr
    assert "[dispatch]" in result.stdout
    (declarations := tmp_path / "datasets.toml").write_text(result.stdout)
    assert run_loader("datasets", "check", str(declarations)).exit_code == 0


def test_a_name_that_is_declared_already_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "dispatch.parquet").write_bytes(parquet(aemo()))
    result = run_loader("suggest", str(file), "--name", "generation")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "declared already" in result.stderr


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (file := tmp_path / "dispatch.parquet").write_bytes(parquet(aemo()))
    result = run_loader("suggest", str(file), "--zone", "Mars/Olympus")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'Mars/Olympus' is not a time zone" in result.stderr


def test_the_suggestion_as_json_has_the_same_keys(tmp_path: Path) -> None:
    (file := tmp_path / "dispatch.parquet").write_bytes(parquet(aemo()))
    text, as_json = (run_loader("suggest", str(file), *words).stdout for words in ([], ["--json"]))
    assert json.loads(as_json) == tomllib.loads(text)
