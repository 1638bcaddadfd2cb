"""The points that InfluxDB stores, queried for the points that a load sent.

`StoredPoints.of` asks for a block of sent points: the time from its first to its last point, its fields, and the values
of its tags (`conditions`). Other series may match too, and other loads may have written more points to the same series.
So each query has a LIMIT, and a block whose reply reaches the limit is divided (`_divide`): by time if the reply has
mostly its own series, by series if it has mostly others. The work depends on what was sent, not on what is stored.

Replies are CSV, which is parsed as fast as InfluxDB sends it. But a CSV reply cannot contain an error: InfluxDB sends
what it has, or nothing. An error can only lose rows, so a block of which something is missing is queried once more in
JSON, whose replies do contain errors. It is divided before, because InfluxDB 1 calls each longer JSON reply partial.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from cli.query_replies import Rows, csv_rows, json_rows
from cli.sent_points import SeriesTable
from cli.spool import Points
from functions.convert_and_chunk.columns.tags import render_tag
from shared.datasets import Dataset
from shared.influx import Influx

MAX_CONDITION_BYTES = 4_000
"""The most bytes of conditions on tags in a URL. Proxies often reject URLs of more than 8 kB."""

MAX_JSON_POINTS = 4_000
"""The size of a block to query in JSON: InfluxDB makes such a reply in pieces of 10,000 rows, and the LIMIT is less."""

SPARE_ROWS = 1_000
"""How many rows of other loads a reply may have, in addition to as many as were sent, before the block is divided."""

SINGLE, DOUBLE = "'", '"'
"""InfluxQL's quotation marks of texts and of names."""


class Block(NamedTuple):
    """Sent points, and their stored values: one row per point and one column per field; NaN is missing."""

    sent: Points
    stored: NDArray[np.float64]


class StoredPoints:
    """The stored points of one measurement in one bucket.

    Args:
        influx: The server.
        bucket: The bucket, or `database/retention-policy`.
        dataset: The dataset of the load.
        table: The series that the load sent.
    """

    def __init__(self, influx: Influx, bucket: str, dataset: Dataset, table: SeriesTable) -> None:
        self._influx, self._bucket, self._dataset, self._table = influx, bucket, dataset, table
        self._series_of_tags: dict[tuple[tuple[str, str], ...], int] = {}
        self._stored_tags: set[str] = set()

    def of(self, sent: Points) -> Iterator[Block]:
        """Yield the points with their stored values, in one block or in several.

        Raises:
            QueryError: InfluxDB answered a query with an error.
        """
        limit = 2 * len(sent) + SPARE_ROWS if len(sent) > 1 else 0
        query, rows = self._query(sent, limit)
        if limit and len(rows.times) >= limit:
            yield from self._query_again(sent, query, rows, limit)
            return
        stored = self._align(sent, rows)
        if np.isnan(stored[~np.isnan(sent["values"])]).any():
            if len(sent) > MAX_JSON_POINTS:
                for part in _divide(sent, self._table.names, by_time=True):
                    yield from self.of(part)
                return
            rows = json_rows(self._influx.query(query, bucket=self._bucket), self._dataset.field_names)
            stored = self._align(sent, rows)
        yield Block(sent, stored)

    def _query_again(self, sent: Points, query: str, rows: Rows, limit: int) -> Iterator[Block]:
        """Query a block whose reply has reached the limit with more conditions if there are more, or else divided."""
        if self._influxql(sent, limit) != query:  # the reply names tags that the query had no condition for
            yield from self.of(sent)
            return
        is_own = np.isin(self._series(rows), sent["series"])
        for part in _divide(sent, self._table.names, by_time=bool(is_own.mean() >= 0.5)):  # noqa: PLR2004
            yield from self.of(part)

    def _query(self, sent: Points, limit: int) -> tuple[str, Rows]:
        query = self._influxql(sent, limit)
        rows = csv_rows(self._influx.query(query, bucket=self._bucket, csv=True), self._dataset.field_names)
        self._stored_tags.update(rows.tags)
        return query, rows

    def _influxql(self, sent: Points, limit: int) -> str:
        has_values = ~np.isnan(sent["values"]).all(axis=0)
        fields = (f'"{name}"' for name, used in zip(self._dataset.field_names, has_values, strict=True) if used)
        tags = [self._table.tags(number) for number in np.unique(sent["series"]).tolist()]
        span = f"time >= {sent['time'].min()} AND time <= {sent['time'].max()}"
        where = " AND ".join([span, *conditions(tags, {*self._stored_tags})])
        # S608: the names are those of the dataset, and values are quoted.
        query = f'SELECT {", ".join(fields)}, *::tag FROM "{self._dataset.measurement}" WHERE {where}'  # noqa: S608
        return f"{query} LIMIT {limit}" if limit else query

    def _align(self, sent: Points, rows: Rows) -> NDArray[np.float64]:
        """Return the stored values of each sent point.

        The sent points are sorted by time, then by series. A point's key is the rank of its time, multiplied, plus its
        series. Example: with 3 series, the points (time 10, series 0), (10, 2), (50, 1) have the keys 0, 2, 4.
        """
        times, ranks = np.unique(sent["time"], return_inverse=True)
        keys = ranks * len(self._table.names) + sent["series"]
        series = self._series(rows)
        ranks = np.searchsorted(times, rows.times).clip(max=len(times) - 1)
        stored_keys = ranks * len(self._table.names) + series
        positions = np.searchsorted(keys, stored_keys).clip(max=len(keys) - 1)
        is_sent = (series >= 0) & (times[ranks] == rows.times) & (keys[positions] == stored_keys)
        aligned = np.full((len(sent), rows.values.shape[1]), np.nan)
        aligned[positions[is_sent]] = rows.values[is_sent]
        return aligned

    def _series(self, rows: Rows) -> NDArray[np.int32]:
        """Return the number of each row's series, -1 for a series that the load did not send."""
        combinations, examples = rows.tag_combinations()
        numbers = [self._number(tuple(zip(rows.tags, values, strict=True))) for values in examples]
        return np.array(numbers, np.int32)[combinations]

    def _number(self, tags: tuple[tuple[str, str], ...]) -> int:
        if tags not in self._series_of_tags:
            # A value that the loader never sends, such as one with spaces around it, belongs to another series.
            texts = [
                render_tag(tag, value, required=False)[0] if value == value.strip() else ""
                for tag, value in sorted(tags)
                if value
            ]
            number = self._table.numbers.get(self._dataset.measurement + "".join(texts), -1)
            self._series_of_tags[tags] = number if all(texts) else -1
        return self._series_of_tags[tags]


def conditions(series: Sequence[dict[str, str]], stored_tags: Collection[str]) -> list[str]:
    """Return InfluxQL conditions that all these series match, and few others, in at most MAX_CONDITION_BYTES.

    >>> for condition in conditions([{"region": "N", "type": "x"}, {"region": "S", "type": "x"}], ["host"]):
    ...     print(condition)
    "host" = ''
    "type" = 'x'
    ("region" = 'N' OR "region" = 'S')

    Args:
        series: The tags of each series.
        stored_tags: The tags that the measurement is known to have. A condition that a tag is empty is limited to
            these, since InfluxDB 3 matches no series with a condition on a tag that the measurement lacks.
    """
    texts = []
    for tag in {*stored_tags}.union(*series):
        values = sorted({tags.get(tag, "") for tags in series})
        is_short = len(values) * len(tag) <= MAX_CONDITION_BYTES
        if is_short and (tag in stored_tags or "" not in values):
            text = " OR ".join(f"{_quote(tag, DOUBLE)} = {_quote(value, SINGLE)}" for value in values)
            texts.append(f"({text})" if len(values) > 1 else text)
    chosen, size = [], 0
    for text in sorted(texts, key=lambda text: (len(text), text)):
        size += len(quote(f" AND {text}"))
        if size > MAX_CONDITION_BYTES:
            break
        chosen.append(text)
    return chosen


def _quote(text: str, mark: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


def _divide(sent: Points, names: Sequence[str], *, by_time: bool) -> tuple[Points, Points]:
    """Divide points that are sorted by time into two halves, by time or by series. There are at least two points."""
    series = sorted(np.unique(sent["series"]).tolist(), key=names.__getitem__)
    has_one_time = sent["time"][0] == sent["time"][-1]
    if (by_time and not has_one_time) or len(series) == 1:
        middle = sent["time"][len(sent) // 2]
        is_first = sent["time"] < middle if sent["time"][0] < middle else sent["time"] == middle
    else:
        # Sorted by name, each half has fewer values of the first tags, so that its conditions match fewer series.
        is_first = np.isin(sent["series"], series[: len(series) // 2])
    return sent[is_first], sent[~is_first]
