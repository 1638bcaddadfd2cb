"""InfluxDB's replies to queries for points, as arrays; whatever is not an answer raises QueryError.

`csv_rows` and `json_rows` read the two formats. An error can be in the status of a reply, and in a reply with status
200: in JSON as `error` of the whole or of a result, in CSV as the only row, or not at all, as an empty body.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from cli.errors import QueryError
from shared.influx_answers import MAX_MESSAGE, HttpReply, interpret, server_message

LABELS = ("name", "tags")
"""The first two columns of CSV, for queries with GROUP BY."""

TAG_TYPE = pa.dictionary(pa.int32(), pa.string())


class Rows(NamedTuple):
    """The rows of a reply.

    `times` are ns since 1970. `values` has one column per field, and NaN for no value. `tag_values` has one column per
    name in `tags`, and an empty text for no value.
    """

    times: NDArray[np.int64]
    values: NDArray[np.float64]
    tags: tuple[str, ...]
    tag_values: tuple[pa.DictionaryArray, ...]

    def tag_combinations(self) -> tuple[NDArray[np.int64], list[list[str]]]:
        """Return the number of each row's combination of tag values, and the values of each combination.

        Example with two tags: the rows (N, x), (S, x), (N, x) have the combinations 0, 1, 0, which are (N, x) and
        (S, x). Each tag multiplies the numbers, and the encoding makes them small again, so that they cannot overflow.
        """
        numbers = np.zeros(len(self.times), np.int64)
        for values in self.tag_values:
            codes = values.indices.to_numpy().astype(np.int64)
            encoded = pa.array(numbers * max(1, len(values.dictionary)) + codes).dictionary_encode()
            numbers = encoded.indices.to_numpy().astype(np.int64)
        _, examples, numbers = np.unique(numbers, return_index=True, return_inverse=True)
        columns = [values.take(pa.array(examples)).to_pylist() for values in self.tag_values]
        return numbers, [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in examples]


def csv_rows(reply: HttpReply, fields: Sequence[str]) -> Rows:
    """Return the rows of a CSV reply.

    An empty reply has no rows: the caller must ask in JSON whether that is an error.
    """
    text = _checked(reply)
    if not isinstance(text, str):
        raise QueryError(f"InfluxDB sent no CSV: {json.dumps(text)[:MAX_MESSAGE]}")
    if not text:
        return _rows({}, fields)
    header = next(csv.reader([text.partition("\n")[0]]))
    if "time" not in header:
        raise QueryError(f"InfluxDB answered a query with: {text[:MAX_MESSAGE].strip()}")
    return _rows(_csv_columns(text, header, fields), fields)


def json_rows(reply: HttpReply, fields: Sequence[str]) -> Rows:
    """Return the rows of a JSON reply. Raises QueryError if it contains an error."""
    content = _checked(reply)
    if not isinstance(content, dict) or "results" not in content:
        raise QueryError(f"InfluxDB answered a query with: {server_message(content)}")
    for result in (content, *content["results"]):
        if "error" in result:
            raise QueryError(f"InfluxDB answered a query with an error: {result['error']}")
    series = [series for result in content["results"] for series in result.get("series", [])]
    if any(item.get("partial") for item in (*content["results"], *series)):
        raise QueryError("InfluxDB shortened its answer to a query: raise max-row-limit in its configuration")
    if not series:
        return _rows({}, fields)
    columns = dict(zip(series[0]["columns"], zip(*series[0]["values"], strict=True), strict=True))
    return _rows({name: _array(name, values, fields) for name, values in columns.items()}, fields)


def _checked(reply: HttpReply) -> object:
    if reply.exception is None and reply.status == HTTPStatus.OK:
        return reply.data
    if reply.exception is None and reply.status == HTTPStatus.BAD_REQUEST:  # for a write, 400 has another meaning
        raise QueryError(f"InfluxDB rejected a query: {server_message(reply.data)}")
    raise QueryError(f"cannot read points back: {interpret(reply).message}")


def _csv_columns(text: str, header: Sequence[str], fields: Sequence[str]) -> dict[str, pa.Array]:
    """Parse CSV with Arrow, which reads numbers exactly. A tag may be called like a label, so columns have numbers."""
    numbers = {str(number): name for number, name in enumerate(header) if number >= len(LABELS)}
    types = {number: _type(name, fields) for number, name in numbers.items()}
    content = text.encode()
    table = arrow_csv.read_csv(
        io.BytesIO(content),
        arrow_csv.ReadOptions(column_names=[*map(str, range(len(header)))], skip_rows=1, block_size=len(content) + 1),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(column_types=types, include_columns=[*numbers]),
    )
    return {name: table[number].combine_chunks() for number, name in numbers.items()}


def _type(name: str, fields: Sequence[str]) -> pa.DataType:
    if name == "time":
        return pa.int64()
    return pa.float64() if name in fields else TAG_TYPE


def _array(name: str, values: Sequence[Any], fields: Sequence[str]) -> pa.Array:
    kind = _type(name, fields)
    if kind == TAG_TYPE:
        return pa.array([value or "" for value in values], pa.string()).dictionary_encode()
    return pa.array(values, kind)


def _rows(columns: Mapping[str, pa.Array], fields: Sequence[str]) -> Rows:
    times = columns["time"].to_numpy() if columns else np.empty(0, np.int64)
    values = np.full((len(times), len(fields)), np.nan)
    for number, name in enumerate(fields):
        if name in columns:
            # As with the sent values, -0.0 becomes 0.0.
            values[:, number] = columns[name].to_numpy(zero_copy_only=False) + 0.0
    tags = tuple(name for name in columns if name != "time" and name not in fields and not name.startswith("iox::"))
    return Rows(times, values, tags, tuple(columns[tag] for tag in tags))
