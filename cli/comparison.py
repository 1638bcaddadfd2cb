"""A comparison of the values that a load sent with the values that InfluxDB stores.

`compare` takes the sent points block by block, queries the stored values of each block, and adds the differences up by
window of time. Values that other loads wrote to the same time are ignored.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from cli.sent_points import SentPoints, SeriesTable
from cli.stored_points import Block, StoredPoints
from functions.convert_and_chunk.columns.timestamps import MAX_NS

MAX_WINDOWS = 256
MAX_EXAMPLES = 5
"""How many differences of a window are described; all are counted."""

BLOCK_POINTS = 50_000
"""How many points a query asks for: its reply has a few MB."""

MAX_QUERIES = 2
"""How many queries InfluxDB answers at a time. Memory holds one more block than that."""


@dataclass(kw_only=True)
class Window:
    """The comparison of one window, from `first_ns` up to but not including `end_ns`.

    `sent` and `stored` count values. Both checksums are sums of one hash per value, which do not depend on the order.
    """

    first_ns: int
    end_ns: int
    sent: int = 0
    stored: int = 0
    sent_sum: int = 0
    stored_sum: int = 0
    missing: int = 0
    changed: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """True if InfluxDB stores every value as it was sent."""
        return not (self.missing or self.changed)

    @property
    def sent_hash(self) -> str:
        """The checksum of the sent values."""
        return f"{self.sent_sum:016x}"

    @property
    def stored_hash(self) -> str:
        """The checksum of the stored values."""
        return f"{self.stored_sum:016x}"


def width_for(first_ns: int, last_ns: int, bin_ns: int) -> int:
    """Return the width of a window: that of the report's bins, doubled until there are at most MAX_WINDOWS windows."""
    width_ns = bin_ns
    while last_ns // width_ns - first_ns // width_ns >= MAX_WINDOWS:
        width_ns *= 2
    return width_ns


def compare(sent: SentPoints, stored: StoredPoints, advance: Callable[[int], None]) -> list[Window]:
    """Return the comparison of each window in which the load sent a value.

    Args:
        sent: The points of the load; they are consumed.
        stored: The points of InfluxDB.
        advance: Called with the number of points that have been compared, each time that there are more.

    Raises:
        QueryError: InfluxDB answered a query with an error.
    """
    tally = _Tally(sent)
    for block in _query_blocks(sent, stored):
        tally.add(block)
        advance(len(block.sent))
    return [tally.windows[number] for number in sorted(tally.windows)]


def _query_blocks(sent: SentPoints, stored: StoredPoints) -> Iterator[Block]:
    """Yield all points with their stored values, and meanwhile query those of the next blocks.

    Raises:
        QueryError: InfluxDB answered a query with an error. Queries that have not been sent by then are not sent.
    """
    queries = deque[Future[list[Block]]]()
    with ThreadPoolExecutor(MAX_QUERIES) as pool:
        try:
            for points in sent.blocks(BLOCK_POINTS):
                queries.append(pool.submit(lambda points: [*stored.of(points)], points))
                if len(queries) > MAX_QUERIES:
                    yield from queries.popleft().result()
            while queries:
                yield from queries.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Tally:
    """The windows, and what has been added to them."""

    def __init__(self, sent: SentPoints) -> None:
        self.windows: dict[int, Window] = {}
        self._sent = sent

    def add(self, block: Block) -> None:
        """Add a block, which is sorted by time, so that the points of a window follow each other."""
        numbers = block.sent["time"] // self._sent.width_ns
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
        sent = block.sent["values"]
        is_sent = ~np.isnan(sent)
        is_stored = is_sent & ~np.isnan(block.stored)
        differs = is_sent & (sent != block.stored)  # NaN differs from every value
        sent_hashes = _hashes(block, sent, is_sent, self._sent.table)
        stored_hashes = _hashes(block, block.stored, is_stored, self._sent.table) if differs.any() else sent_hashes
        counts = [np.add.reduceat(mask.sum(axis=1), starts) for mask in (is_sent, is_stored, differs)]
        sums = [np.add.reduceat(hashes, starts) for hashes in (sent_hashes, stored_hashes)]
        for position, (start, end) in enumerate(zip(starts, [*starts[1:], len(numbers)], strict=True)):
            window = self._window(int(numbers[start]))
            _count(window, [int(total[position]) for total in counts + sums])
            if differs[start:end].any():
                self._describe(window, Block(block.sent[start:end], block.stored[start:end]), differs[start:end])

    def _window(self, number: int) -> Window:
        """Return the window with this number, which is new or not. The range of times limits the first and last one."""
        first_ns = number * self._sent.width_ns
        window = Window(first_ns=max(first_ns, -MAX_NS), end_ns=min(first_ns + self._sent.width_ns, MAX_NS))
        return self.windows.setdefault(number, window)

    def _describe(self, window: Window, block: Block, differs: NDArray[np.bool_]) -> None:
        for row, column in np.argwhere(differs)[: MAX_EXAMPLES - len(window.differences)]:
            point, stored = block.sent[row], float(block.stored[row, column])
            series, name = self._sent.table.names[point["series"]], self._sent.fields[column]
            verdict = "is missing" if np.isnan(stored) else f"is now {stored!r}"
            value = float(point["values"][column])
            window.differences.append(f"{series} {name} at {point['time']}: {value!r} was sent, {verdict}")


def _count(window: Window, totals: list[int]) -> None:
    sent, stored, differing, sent_sum, stored_sum = totals
    window.sent += sent
    window.stored += stored
    window.missing += sent - stored
    window.changed += differing - (sent - stored)
    window.sent_sum = (window.sent_sum + sent_sum) % 2**64
    window.stored_sum = (window.stored_sum + stored_sum) % 2**64


def _hashes(
    block: Block, values: NDArray[np.float64], exists: NDArray[np.bool_], table: SeriesTable
) -> NDArray[np.uint64]:
    """Return the sum of the hashes of each point's values: of the series' name, the time, the field and the value.

    The names, and not their numbers, make the checksums of different loads comparable.
    """
    series, positions = np.unique(block.sent["series"], return_inverse=True)
    names = np.array([_hash_name(table.names[number]) for number in series], np.uint64)[positions]
    points = _mix(names ^ _mix(block.sent["time"].astype(np.uint64)))
    total = np.zeros(len(values), np.uint64)
    for column in range(values.shape[1]):
        hashes = _mix(_mix(points + np.uint64(column)) ^ values[:, column].copy().view(np.uint64))
        total += np.where(exists[:, column], hashes, np.uint64(0))
    return total


def _hash_name(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one hash per number: the steps of SplitMix64, which let each bit change about half of the result."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
