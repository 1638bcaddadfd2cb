"""The rule that tells which keys are files."""

import pytest

from shared.errors import SettingsError
from shared.file_keys import FileRule, reason_to_skip, skip_kind
from shared.function_names import BACKFILL_FUNCTIONS, DELETION_FUNCTIONS, FUNCTION_NAMES, LOAD_FUNCTIONS, pascal_case
from shared.settings import file_rule


@pytest.mark.parametrize(
    "key",
    [
        "a.parquet",
        "dataset=generation/year=2024/a b.parquet",
        "A.PARQUET",
        "_year=2024/a.Parquet",
        "a=b/c_d.parquet",
        "../a.parquet",
    ],
)
def test_a_parquet_key_is_a_file(key: str) -> None:
    assert (reason_to_skip(key, FileRule()), skip_kind(key, FileRule())) == ("", "")


@pytest.mark.parametrize("key", ["a.csv", "a.parquet.crc", "a.parq", "part-00000", ""])
def test_a_key_with_another_suffix_is_not_a_file(key: str) -> None:
    assert reason_to_skip(key, FileRule()) == f"not a .parquet file: {key!r}"


@pytest.mark.parametrize("key", ["folder/", "a.parquet/", "/"])
def test_a_folder_is_not_a_file(key: str) -> None:
    assert reason_to_skip(key, FileRule()) == f"a folder, not a file: {key!r}"


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("_temporary/0/a.parquet", "_temporary"),
        ("in/.spark-staging-1/dataset=generation/a.parquet", ".spark-staging-1"),
        ("table/_delta_log/1.checkpoint.parquet", "_delta_log"),
        ("dataset=generation/.hidden/a.parquet", ".hidden"),
        ("dataset=generation/__magic/job-1/a.parquet", "__magic"),
        ("dataset=generation/_x.parquet", "_x.parquet"),
        ("dataset=generation/_x=1.parquet", "_x=1.parquet"),
        ("dataset=generation/.a.parquet", ".a.parquet"),
        ("_SUCCESS", "_SUCCESS"),
        ("_folder/", "_folder"),
    ],
)
def test_a_key_with_a_hidden_part_is_skipped_for_that_reason(key: str, part: str) -> None:
    reason = f"a hidden or temporary file of its writer: {part!r} begins with {part[0]!r}"
    assert (reason_to_skip(key, FileRule()), skip_kind(key, FileRule())) == (reason, "hidden")


def test_the_folders_of_the_source_prefix_are_not_hidden() -> None:
    rule = FileRule(prefix="_landing/.zone/")
    assert reason_to_skip("_landing/.zone/a.parquet", rule) == ""
    assert skip_kind("_landing/.zone/_temporary/a.parquet", rule) == "hidden"
    assert skip_kind("_other/a.parquet", rule) == "hidden"


def test_suffixes_are_set_in_the_environment_and_match_in_any_case() -> None:
    rule = file_rule({"FILE_SUFFIXES": ".parquet, .pq,.PARQUET.gzip"})
    assert [skip_kind(key, rule) for key in ("a.PQ", "a.parquet.GZIP", "a.parquet", "a.parq", "apq")] == [
        "",
        "",
        "",
        "suffix",
        "suffix",
    ]
    assert reason_to_skip("a.parq", rule) == "not a .parquet or .pq or .parquet.gzip file: 'a.parq'"


def test_every_suffix_can_be_accepted_but_no_hidden_file() -> None:
    rule = file_rule({"FILE_SUFFIXES": "*"})
    assert [skip_kind(key, rule) for key in ("part-00000", "a.csv", "_SUCCESS", "a/")] == ["", "", "hidden", "folder"]


@pytest.mark.parametrize("suffixes", ["", "parquet", ".a,,.b", ".a/b", "*.parquet", "."])
def test_suffixes_that_match_no_name_are_refused(suffixes: str) -> None:
    with pytest.raises(SettingsError, match=r"^FILE_SUFFIXES is .*: use suffixes such as"):
        file_rule({"FILE_SUFFIXES": suffixes})


def test_every_function_has_one_name_and_its_pascal_case() -> None:
    assert (*LOAD_FUNCTIONS, *BACKFILL_FUNCTIONS, *DELETION_FUNCTIONS) == FUNCTION_NAMES
    assert pascal_case("convert_and_chunk") == "ConvertAndChunk"
