"""Round trips through a real InfluxDB: every number, time and tag value reads back exactly."""

import dataclasses
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from local.influxdb.server import InfluxTarget
from shared.datasets import Dataset
from tests.support.builders import generation
from tests.support.conversion import GENERATION, Conversion, convert_table
from tests.support.influx_api import InfluxApi

NS = 1_700_000_000_123_456_789
DOUBLES = [
    0.0, -0.0, 1.0, -1.5, 0.1 + 0.2, 236.865, 16383.9999, 16384.0, 1e15, 1e16, 1e-5, 1e22, 123456789012345680.0,
    2.0**53, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1 / 3, float(np.float32(0.1)),
]  # fmt: skip


@pytest.fixture
def api(influx_server: InfluxTarget) -> InfluxApi:
    return InfluxApi(influx_server)


@pytest.fixture
def dataset(api: InfluxApi) -> Dataset:
    """The dataset generation, with a measurement that no other test uses."""
    return dataclasses.replace(GENERATION, measurement=api.series)


def written(api: InfluxApi, result: Conversion) -> list[dict[str, Any]]:
    """Write the lines, and return all points that the server holds: tags, fields and time by name."""
    response = api.write("".join(f"{line}\n" for line in result.lines).encode())
    assert response.status_code == 204, response.text
    signed = {"parse_int": lambda text: -0.0 if text == "-0" else int(text)}
    [answer] = api.query(f'SELECT * FROM "{api.series}"').json(**signed)["results"]  # noqa: S608
    [series] = answer["series"]
    return [dict(zip(series["columns"], values, strict=True)) for values in series["values"]]


def test_every_double_is_the_same_to_the_last_bit(api: InfluxApi, dataset: Dataset) -> None:
    random = np.random.default_rng(11)
    bits = random.integers(0, 2**64, 500, dtype=np.uint64).view(np.float64)
    values = (
        DOUBLES + [value for value in bits.tolist() if np.isfinite(value)] + np.round(random.random(50), 3).tolist()
    )
    table = generation(len(values), power_mw=values)
    rows = {row["time"]: float(row["power_mw"]) for row in written(api, convert_table(table, dataset))}
    expected = dict(zip(table.column("timestamp").cast(pa.int64()).to_pylist(), values, strict=True))
    assert {at // 1000: struct.pack("d", value) for at, value in rows.items()} == {
        at: struct.pack("d", value) for at, value in expected.items()
    }


@pytest.mark.parametrize(
    ("kind", "ticks"),
    [
        (pa.timestamp("s"), NS // 10**9),
        (pa.timestamp("ms"), NS // 10**6),
        (pa.timestamp("us"), NS // 1000),
        (pa.timestamp("ns"), NS),
        (pa.timestamp("ns", "America/Sao_Paulo"), NS),
        (pa.date32(), NS // (86_400 * 10**9)),
    ],
    ids=str,
)
def test_every_unit_of_time_is_the_same_instant(
    api: InfluxApi, dataset: Dataset, kind: pa.DataType, ticks: int
) -> None:
    unit = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[kind.unit] if pa.types.is_timestamp(kind) else 86_400 * 10**9
    storage = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    [row] = written(api, convert_table(generation(1, timestamp=pa.array([ticks], storage).cast(kind)), dataset))
    assert row["time"] == ticks * unit


def test_the_first_and_the_last_instant(api: InfluxApi, dataset: Dataset) -> None:
    last = 2**63 - 2 - 86_400 * 10**9
    rows = written(api, convert_table(generation(2, timestamp=pa.array([-last, last], pa.timestamp("ns"))), dataset))
    assert [row["time"] for row in rows] == [-last, last]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array([1, None], pa.int8()), 1.0),
        (pa.array([2**53, None], pa.int64()), 2.0**53),
        (pa.array([0.1, None], pa.float32()), float(np.float32(0.1))),
        (pa.array([1.5, None], pa.float16()), 1.5),
        (pa.array(["2736.97290039", "-"]), 2736.97290039),
        (pa.array(["0E-8", None]).dictionary_encode(), 0.0),
        (pa.array(["1.10", None]).cast(pa.decimal128(10, 2)), 1.1),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_every_type_of_number_is_a_float(api: InfluxApi, dataset: Dataset, column: pa.Array, value: float) -> None:
    rows = written(api, convert_table(generation(2, power_mw=column, efficiency=[0.5, 0.5]), dataset))
    assert [row["power_mw"] for row in rows] == [value, None]


def test_text_of_the_whole_of_unicode_is_the_same(api: InfluxApi, dataset: Dataset) -> None:
    """64 code points in each tag value: those with a control character are set aside, all others come back."""
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    names = [f"<{''.join(points[first : first + 64])}>" for first in range(0, len(points), 64)]
    result = convert_table(generation(len(names), plant_name=names), dataset)
    assert result.set_aside == {0: "unusable_tag", 1: "unusable_tag"}
    assert [row["plant_name"] for row in written(api, result)] == names[2:]


def test_every_short_mix_of_what_line_protocol_escapes_is_the_same_or_set_aside(
    api: InfluxApi, dataset: Dataset
) -> None:
    signs = "a, =\\\"#'\n"
    names = [first + second + third + last for first in signs for second in signs for third in signs for last in signs]
    result = convert_table(generation(len(names), plant_name=names), dataset)
    loaded_names = [name.strip() for row, name in enumerate(names) if row not in result.set_aside]
    assert [row["plant_name"] or "" for row in written(api, result)] == loaded_names
    assert all("\\" in names[row] or "\n" in names[row] for row in result.set_aside)
    assert len(loaded_names) > len(names) // 3
