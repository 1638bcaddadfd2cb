"""The rule that tells which keys are files."""

import pytest

from shared.file_keys import reason_to_skip
from shared.function_names import BACKFILL_FUNCTION, FUNCTION_NAMES, LOAD_FUNCTIONS, pascal_case


@pytest.mark.parametrize(
    "key", ["a.parquet", "dataset=generation/year=2024/a b.parquet", "A.PARQUET", "_temporary.parquet"]
)
def test_a_parquet_key_is_a_file(key: str) -> None:
    assert reason_to_skip(key) == ""


@pytest.mark.parametrize("key", ["a.csv", "a.parquet.crc", "a.parquet/", "_SUCCESS", "folder/", ""])
def test_a_key_with_another_suffix_is_not_a_file(key: str) -> None:
    assert reason_to_skip(key).startswith("not a .parquet file")


@pytest.mark.parametrize("key", ["_temporary/0/a.parquet", "in/_temporary/0/a.parquet"])
def test_a_key_in_a_temporary_folder_is_not_a_file(key: str) -> None:
    assert reason_to_skip(key) == "a temporary file of its writer"


def test_every_function_has_one_name_and_its_pascal_case() -> None:
    assert (*LOAD_FUNCTIONS, BACKFILL_FUNCTION) == FUNCTION_NAMES
    assert pascal_case("convert_and_chunk") == "ConvertAndChunk"
