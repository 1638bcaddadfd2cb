"""Tags: what is written, left out, or set aside; and which rows are one series."""

import io
from typing import Any

import pyarrow as pa
import pytest

from functions.convert_and_chunk.part import read_records
from functions.convert_and_chunk.row_groups import PartReader
from tests.support.builders import generation, parquet
from tests.support.conversion import GENERATION, SETTINGS, convert_table, whole_part


def region(value: Any, kind: pa.DataType | None = None, *, validate: bool = True) -> str:
    """Return the part of the line that one region becomes, or the rule that sets its row aside."""
    result = convert_table(generation(1, region=pa.array([value], kind)), validate=validate)
    return result.set_aside[0] if result.set_aside else result.lines[0].split("verified")[1].rsplit(" power", 1)[0]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("SE", "SE"),
        ("NORDESTE       ", "NORDESTE"),
        ("a,b", r"a\,b"),
        ("a=b", r"a\=b"),
        ("a b", r"a\ b"),
        ('say "hi"', r"say\ " + '"hi"'),
        ("São Paulo", r"São\ Paulo"),
        ("é😀𐍈", "é😀𐍈"),
        ("#1", "#1"),
        (r"C:\dir", r"C:\dir"),
        ("--", "--"),
        ("\u2028", "missing_tag"),
        ("a\u2028b", "a\u2028b"),
        ("a\ufffdb", "a\ufffdb"),
    ],
)
def test_a_tag_is_trimmed_and_escaped(value: str, written: str) -> None:
    assert region(value) == (written if written == "missing_tag" else f",region={written}")


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int8(), pa.string())],
    ids=str,
)
def test_text_of_every_type_is_a_tag(kind: pa.DataType) -> None:
    assert region(b"SE" if kind == pa.binary() else "SE", kind) == ",region=SE"


def test_an_integer_is_a_tag() -> None:
    assert region(7, pa.int16()) == ",region=7"


@pytest.mark.parametrize("value", [None, "", "   ", "-", " - "])
def test_a_required_tag_without_a_value_sets_the_row_aside_if_rows_are_validated(value: str | None) -> None:
    assert region(value, pa.string()) == "missing_tag"
    assert region(value, pa.string(), validate=False) == ""


def test_an_optional_tag_without_a_value_is_left_out() -> None:
    names = pa.array(["Ilha", None, "-"])
    assert [line.count("plant_name=") for line in convert_table(generation(3, plant_name=names)).lines] == [1, 0, 0]


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\tb", "a\0b", "a\x7fb", "end\\", "a\\,b", "a\\ b", "a\\=b", "a\\\\b", "x" * 70_000]
)
def test_a_value_that_line_protocol_cannot_carry_sets_the_row_aside(value: str) -> None:
    assert region(value) == "unusable_tag"


def test_bytes_that_are_not_utf_8_set_the_row_aside() -> None:
    assert region(b"S\xc3", pa.binary()) == "unusable_tag"


def test_tags_that_are_too_long_together_set_the_row_aside() -> None:
    table = generation(2, region=["x" * 40_000, "y"], plant_name=["z" * 40_000, "z" * 40_000])
    assert convert_table(table).set_aside == {0: "unusable_tag"}


def test_padded_and_plain_values_are_one_series() -> None:
    table = generation(2, timestamp=pa.array([0, 0], pa.timestamp("s")), region=["N", "N  "], power_mw=[1.0, 1.0])
    assert len(convert_table(table).lines) == 1


def test_each_row_group_may_have_its_own_dictionary() -> None:
    regions = [f"R{row * row % 7}" for row in range(60)]
    lines = convert_table(parquet(generation(60, region=regions), row_group_size=10)).lines
    assert [line.split("region=")[1].split(" ")[0] for line in lines] == regions


def test_values_that_a_growing_dictionary_repeats_stay_one_series() -> None:
    """A file without a dictionary page: Arrow's reader appends the values of each record batch to one dictionary."""
    numbers = [row * 7919 % 90_000 for row in range(140_000)]
    table = generation(140_000, plant_name=[f"plant {number}" for number in numbers], region=["N", "N "] * 70_000)
    result = convert_table(parquet(table, use_dictionary=False))
    assert len(result.records.tag_sets.prefixes) == 90_000
    for row in (0, 65_536, 90_000, 139_999):
        assert rf",plant_name=plant\ {numbers[row]},region=N " in result.lines[row]


def test_tag_sets_that_each_row_group_repeats_stay_one_series() -> None:
    """Each row group has a dictionary of its own, and together they have more tag sets than are merged at once."""
    names = [f"plant {row % 40_000}" for row in range(120_000)]
    result = convert_table(parquet(generation(120_000, plant_name=names), row_group_size=40_000))
    assert len(result.records.tag_sets.prefixes) == 40_000
    assert (result.records.series[:40_000] == result.records.series[80_000:]).all()


def allocated_bytes(rows: int) -> int:
    """Return how many bytes Arrow allocates in all to read so many rows, each of another series."""
    content = parquet(generation(rows, plant_name=pa.array(range(rows)).cast(pa.string())))
    pool, part = pa.default_memory_pool(), whole_part(content)
    before = int(pool.total_bytes_allocated())
    read_records(PartReader(io.BytesIO(content), part, "a file"), rows, GENERATION, SETTINGS)
    return int(pool.total_bytes_allocated()) - before


def test_the_work_for_new_tag_sets_grows_with_their_number_and_not_with_its_square() -> None:
    """It grew 6.3 times when each record batch compared its tag sets with all former ones."""
    assert allocated_bytes(400_000) < 5 * allocated_bytes(100_000)


def test_values_of_a_large_dictionary_are_judged_like_those_of_a_small_one() -> None:
    special = [
        "",
        "-",
        " - ",
        " N ",
        "a b",
        "a,b",
        "a=b",
        "a\\",
        "a\\,b",
        "a\nb",
        "São Paulo",
        "\x7f",
        "--",
        "\u2028",
        "x" * 70_000,
    ]
    names = special + [f"plant {row}" for row in range(500)]
    large = convert_table(generation(len(names), region=names))
    small = [convert_table(generation(1, region=[name])) for name in special]
    for row, single in enumerate(small):
        assert large.set_aside.get(row) == single.set_aside.get(0)
    lines = iter(line.split(" power")[0] for line in large.lines)
    assert [line for single in small for line in (line.split(" power")[0] for line in single.lines)] == [
        line for line in lines if "plant" not in line
    ]


def test_many_distinct_values_in_every_tag_stay_distinct_series() -> None:
    """So many that the product of the dictionaries' sizes passes 64 bits, over several record batches."""
    rows = 140_000
    distinct = {"energy_source": 60_000, "measurement_type": 60_000, "quality_flag": 60_000, "region": 2**15}
    tags = {name: [f"{name[0]}{row % count}" for row in range(rows)] for name, count in distinct.items()}
    lines = convert_table(generation(rows, **tags, timestamp=pa.array([0] * rows, pa.timestamp("s")))).lines
    for row in (12_345, 70_000, 139_999):
        values = ",".join(f"{name}={column[row]}" for name, column in tags.items())
        assert lines[row].startswith(f"generation_data,{values} ")
