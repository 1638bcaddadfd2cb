"""The points that a Parquet file should become, computed with pandas, and without the code of the functions."""

import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from shared.datasets import Dataset

_SCALES = {
    "MWmed": ("MW", 1.0, 1.0),
    "kW": ("MW", 1.0, 1000.0),
    "GW": ("MW", 1000.0, 1.0),
    "kWh": ("MWh", 1.0, 1000.0),
    "GWh": ("MWh", 1000.0, 1.0),
    "%": ("ratio", 1.0, 100.0),
}
"""For each unit in a file: the unit of the field, and the numbers to multiply and divide a value by."""


def expected_points(path: Path, dataset: Dataset, key: str = "") -> pd.DataFrame:
    """Return one row per point that the file should become.

    The columns are `time` (ns since 1970, UTC), every tag ("" if absent) and every field (NaN if absent).
    """
    rows = pd.read_parquet(path)
    points = pd.DataFrame({"time": _time_ns(rows[dataset.timestamp])})
    for tag in dataset.tags:
        column = pd.Series(_path_value(key, tag, dataset), rows.index) if tag in dataset.path_tags else rows.get(tag)
        points[tag] = "" if column is None else _tag_text(column)
    fields = _fields_of_values(rows, dataset) if "value" in rows else rows
    for field in dataset.field_names:
        points[field] = pd.to_numeric(fields[field]).astype("float64") if field in fields else np.nan
    points = points.replace([np.inf, -np.inf], np.nan)
    complete = points["time"].notna() & points[list(dataset.field_names)].notna().any(axis=1)
    for tag in dataset.required_tags:
        complete &= points[tag] != ""
    points = points[complete].astype({"time": "int64"})
    # Of several rows with one time and one tag set, InfluxDB keeps the last.
    return points.drop_duplicates(["time", *dataset.tags], keep="last")


def _fields_of_values(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Spread the long layout's `value` over the fields.

    A value belongs to the field that `measurement_type` names, or else to the only field with its unit. With the unit
    GW and a field `power_mw` in MW, the value 1.5 becomes power_mw=1500.0.
    """
    fields = pd.DataFrame(index=rows.index, columns=[*dataset.field_names], dtype="float64")
    for (measurement_type, unit), group in rows.groupby(["measurement_type", "unit"], dropna=False):
        named = [field for field in dataset.fields if field.name == measurement_type] or dataset.fields
        is_kept = any(field.unit == unit for field in named)
        field_unit, values = (unit, pd.to_numeric(group["value"])) if is_kept else _scaled(group["value"], str(unit))
        same_unit = [field.name for field in dataset.fields if field.unit == field_unit]
        candidates = [name for name in same_unit if name == measurement_type] or same_unit
        if len(candidates) == 1:
            fields.loc[group.index, candidates[0]] = values
    return fields


def _scaled(values: "pd.Series[float]", unit: str) -> "tuple[str, pd.Series[float]]":
    """Return the unit to which values of a unit are converted, and the values in it."""
    numbers = pd.to_numeric(values)
    if unit == "ratio":
        return "%", numbers.map(_percent)
    field_unit, multiplier, divisor = _SCALES.get(unit, (unit, 1.0, 1.0))
    return field_unit, numbers * multiplier / divisor


def _percent(ratio: float) -> float:
    """Return the ratio in percent with the same digits. One that is too small or large for that is multiplied."""
    return ratio * 100.0 if not np.isfinite(ratio) or "e" in repr(ratio) else float(Decimal(repr(ratio)).scaleb(2))


def _time_ns(column: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    """Return ns since 1970 as nullable integers. Naive times are UTC."""
    time = pd.to_datetime(column, utc=True).astype("datetime64[ns, UTC]")
    return time.astype("int64").where(time.notna()).astype("Int64")


def _path_value(key: str, tag: str, dataset: Dataset) -> str:
    """Return the value of a tag in the key, "" if it has none: that of a group of the key pattern, or of a folder."""
    groups = re.findall(r"{(.+?)}", dataset.key_pattern or "")
    if tag in groups:
        expression = re.escape(dataset.key_pattern or "").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        match = re.fullmatch(re.sub(r"\\{.+?\\}", "([^/]+?)", expression), key, re.DOTALL)
        value = match[groups.index(tag) + 1] if match else ""
    else:
        value = next((part.partition("=")[2] for part in key.split("/")[:-1] if part.startswith(f"{tag}=")), "")
    return "" if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)


def _tag_text(column: "pd.Series[str]") -> "pd.Series[str]":
    """Return tag values as stored: trimmed, and "" for null, an empty text or a dash."""
    text = column.astype("object").where(column.notna(), "").astype(str).str.strip()
    return text.where(text != "-", "")
