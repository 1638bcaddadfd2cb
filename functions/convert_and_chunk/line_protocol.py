r"""Columns become lines of line protocol, without a Python loop over rows.

A line is a row of pieces: the prefix (measurement, tags and a space), two pieces for each field, and the timestamp.
Each kind of piece has a table of texts, and each row refers to its text by number, so equal texts are rendered once:

    piece    table                 row 0: a=1.5 at 7    row 1: a=2.0 at 8
    prefix   "m "                  "m "                 "m "
    field    "a=0" to "a=3"        "a=1"                "a=2"
             ".0," to ".9,"        ".5,"                ".0,"
    time     "7\n", "8\n"          "7\n"                "8\n"

The module `pieces` makes the pieces. `_join_tables` makes one table of all tables. `_bodies` then copies all texts of
all rows with a single `take`, whose result holds "m a=1.5,7\nm a=2.0,8\n" as one buffer: the body, once the last comma
of each line is a space.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.pieces import Piece, decimal_pieces, number_pieces, prefix_piece, timestamp_piece


class Body(NamedTuple):
    """Rendered lines. Line `n` is `data[starts[n]:starts[n + 1]]`, with its newline."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int32]


def render_lines(
    prefixes: pa.Array,
    series: NDArray[np.int32],
    fields: Mapping[str, NDArray[np.float64]],
    time: NDArray[np.int64],
    lines_per_body: int,
) -> Iterator[Body]:
    r"""Render one line per row.

    Each field ends in a comma, so that no field has to know whether it is the first one of its line.

    >>> a, b = np.array([1.5, np.nan]), np.array([2.0, 3.0])
    >>> [body] = render_lines(pa.array(["m "]), np.zeros(2, np.int32), {"a": a, "b": b}, np.array([7, 8]), 1000)
    >>> body.data.tobytes(), body.starts.tolist()
    (b'm a=1.5,b=2.0 7\nm b=3.0 8\n', [0, 16, 26])

    Args:
        prefixes: The measurement and tags of each series, escaped, with the space after them.
        series: The series number of each row.
        fields: The values of each field, one per row. NaN is no value; each row has at least one value.
        time: The time of each row in ns.
        lines_per_body: The number of lines of each body but the last. A body cannot exceed 2 GiB.
    """
    pieces = [prefix_piece(prefixes, series)]
    for name, values in fields.items():
        is_nan = np.isnan(values)
        finite, missing_rows = np.where(is_nan, 0.0, values), np.flatnonzero(is_nan)
        field_pieces = decimal_pieces(name, finite) or number_pieces(name, finite)
        pieces += [piece._replace(missing_rows=missing_rows) for piece in field_pieces]
    pieces.append(timestamp_piece(time))
    return _bodies(pieces, lines_per_body)


def _bodies(pieces: Sequence[Piece], lines_per_body: int) -> Iterator[Body]:
    r"""Join the pieces of each row to a line.

    Example: the pieces "m ", "a=1", ".5,", "7\n" of row 0 and "m ", "a=2", ".0,", "8\n" of row 1. `take` returns

        m a=1.5,7\nm a=2.0,8\n      with the offsets 0, 2, 5, 8, 10, 12, 15, 18, 20

    A line has 4 pieces, so every 4th offset is the start of a line: 0, 10, 20. The offsets 8 and 18 are the starts of
    the last piece, the timestamp. One byte before each is the last comma of the line, which becomes a space.

    >>> pieces = [
    ...     Piece(pa.array(["m "]), np.array([0, 0], np.int32)),
    ...     Piece(pa.array(["a=1", "a=2"]), np.array([0, 1], np.int32)),
    ...     Piece(pa.array([".0,", ".5,"]), np.array([1, 0], np.int32)),
    ...     Piece(pa.array(["7\n", "8\n"]), np.array([0, 1], np.int32)),
    ... ]
    >>> [(body.data.tobytes(), body.starts.tolist()) for body in _bodies(pieces, 2)]
    [(b'm a=1.5 7\nm a=2.0 8\n', [0, 10, 20])]
    """
    table, columns = _join_tables(pieces)
    width = len(columns)
    for first in range(0, len(columns[0]), lines_per_body):
        rows = np.stack([column[first : first + lines_per_body] for column in columns], axis=1)
        _, offsets, data = pc.take(table, pa.array(rows.reshape(-1)), boundscheck=False).buffers()
        ends = np.frombuffer(offsets, np.int32, rows.size + 1)
        body = Body(np.frombuffer(data, np.uint8, ends[-1]), np.ascontiguousarray(ends[::width]))
        body.data[ends[width - 1 :: width] - 1] = ord(" ")
        yield body


def _join_tables(pieces: Sequence[Piece]) -> tuple[pa.Array, list[NDArray[np.int32]]]:
    """Return one table of all texts, and for each piece the entry of every row in that table.

    Entry 0 is the empty text, for rows that miss a piece.

    Example: the table of the second piece begins at entry 2, and row 1 has no second piece.

    >>> prefix = Piece(pa.array(["m "]), np.array([0, 0], np.int32))
    >>> whole = Piece(pa.array(["a=0", "a=1"]), np.array([1, 0], np.int32), missing_rows=np.array([1]))
    >>> table, columns = _join_tables([prefix, whole])
    >>> table.to_pylist(), [column.tolist() for column in columns]
    (['', 'm ', 'a=0', 'a=1'], [[1, 1], [3, 0]])
    """
    tables, columns, size = [pa.array([""])], [], 1
    for table, entries, missing_rows in pieces:
        column = entries + np.int32(size)
        column[missing_rows] = 0
        columns.append(column)
        tables.append(table)
        size += len(table)
    return pa.concat_arrays(tables), columns
