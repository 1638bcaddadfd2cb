r"""Columns become lines of line protocol, without a Python loop over rows.

A line is a row of pieces: the prefix (measurement, tags and a space), two pieces for each field, and the timestamp.
Each kind of piece has a table of texts, and each row refers to its text by number, so equal texts are rendered once:

    piece    table                 row 0: a=1.5 at 7    row 1: a=2.0 at 8
    prefix   "m "                  "m "                 "m "
    field    "a=0" to "a=3"        "a=1"                "a=2"
             ".0 " to ".9 "        ".5 "                ".0 "
    time     "7\n", "8\n"          "7\n"                "8\n"

The modules `pieces` and `prefixes` make the pieces. `TextTable` joins their tables to one, and `_entries` makes one
array of all the numbers. `_body` then copies all texts of all rows with a single `take`, whose result holds
"m a=1.5 7\nm a=2.0 8\n" as one buffer: the body. Only where the last field is missing, it still has to make a space of
the comma before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.pieces import Piece, field_pieces, timestamp_piece
from functions.convert_and_chunk.prefixes import Prefixes
from functions.convert_and_chunk.text_table import TextTable

_EMPTY = pa.array([""])


class Body(NamedTuple):
    """Rendered lines. Line `n` is `data[starts[n]:starts[n + 1]]`, with its newline."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int32]


def render_lines(
    prefixes: pa.Array,
    series: NDArray[np.int32],
    fields: Mapping[str, NDArray[np.float64]],
    time: NDArray[np.int64],
    bodies: Iterable[NDArray[np.int64]],
) -> Iterator[tuple[Body, NDArray[np.int64]]]:
    r"""Render one line per row, and one body after the other, and yield each with its rows.

    Each field ends in a comma, and the last one in a space.

    >>> a, b = np.array([1.5, np.nan]), np.array([2.0, 3.0])
    >>> rows = np.array([0, 1])
    >>> bodies = render_lines(pa.array(["m "]), np.zeros(2, np.int32), {"a": a, "b": b}, np.array([7, 8]), [rows])
    >>> [(body.data.tobytes(), body.starts.tolist(), rows.tolist()) for body, rows in bodies]
    [(b'm a=1.5,b=2.0 7\nm b=3.0 8\n', [0, 16, 26], [0, 1])]

    Args:
        prefixes: The measurement and tags of each series, escaped, with the space after them.
        series: The series number of each row.
        fields: The values of each field, one per row. NaN is no value; each row of a body has at least one value.
        time: The time of each row in ns.
        bodies: The rows of each body, ascending. A body cannot exceed 2 GiB.
    """
    table, prefix_table, last_field = TextTable(), Prefixes(prefixes), list(fields)[-1]
    for rows in bodies:
        index = as_slice(rows)
        pieces: list[Piece] = []
        for name, column in fields.items():
            pieces += field_pieces(name, column[index], b" " if name == last_field else b",")
        pieces[:1] = prefix_table.join(series[index], pieces[0])
        pieces.append(timestamp_piece(time[index]))
        yield _body(table, pieces, len(rows)), rows


def as_slice(rows: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return the rows as a slice if there are no gaps between them: a slice of an array is not copied.

    >>> as_slice(np.array([3, 4, 5])), as_slice(np.array([3, 5])).tolist()
    (slice(3, 6, None), [3, 5])
    """
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first == len(rows) - 1 else rows


def _body(table: TextTable, pieces: Sequence[Piece], rows: int) -> Body:
    r"""Join the pieces of each row to a line.

    Example: the pieces "m ", "a=1", ".5,", "b=3", ".0 ", "7\n" of row 0. Row 1 lacks the field b: "m ", "a=2", ".0,",
    "", "", "8\n". `take` returns

        m a=1.5,b=3.0 7\nm a=2.0,8\n      with the offsets 0, 2, 5, 8, 11, 14, 16, 18, 21, 24, 24, 24, 26

    A line has 6 pieces, so every 6th offset is the start of a line: 0, 16, 26. The offset 24 is the start of the last
    piece of row 1, the timestamp. One byte before it is the last comma of the line, which becomes a space.

    >>> missing = np.array([1])
    >>> pieces = [
    ...     Piece(pa.array(["m "]), np.array([0, 0], np.int32)),
    ...     Piece(pa.array(["a=1", "a=2"]), np.array([0, 1], np.int32)),
    ...     Piece(pa.array([".0,", ".5,"]), np.array([1, 0], np.int32)),
    ...     Piece(pa.array(["b=3"]), np.array([0, 0], np.int32), missing),
    ...     Piece(pa.array([".0 "]), np.array([0, 0], np.int32), missing),
    ...     Piece(pa.array(["7\n", "8\n"]), np.array([0, 1], np.int32)),
    ... ]
    >>> body = _body(TextTable(), pieces, 2)
    >>> body.data.tobytes(), body.starts.tolist()
    (b'm a=1.5,b=3.0 7\nm a=2.0 8\n', [0, 16, 26])
    """
    texts, firsts = table.join([_EMPTY, *(piece.table for piece in pieces)])
    entries, width = _entries(pieces, firsts[1:], rows), len(pieces)
    _, offsets, data = pc.take(texts, pa.array(entries.reshape(-1)), boundscheck=False).buffers()
    ends = np.frombuffer(offsets, np.int32, entries.size + 1)
    table.mean_bytes = (int(ends[-1]) + rows) / entries.size  # one byte more for each line, to have some room
    body = Body(np.frombuffer(data, np.uint8, ends[-1]), ends[::width])
    *_, last_field, _ = pieces
    body.data[ends[last_field.missing_rows * width + width - 1] - 1] = ord(" ")
    return body


def _entries(pieces: Sequence[Piece], firsts: Sequence[int], rows: int) -> NDArray[np.int32]:
    """Return the entries of all pieces in the joined table: a row per line, a column per piece.

    Entry 0 is the empty text, for rows that miss a piece.

    Example: the table of the second piece begins at entry 2, and row 1 has no second piece.

    >>> prefix = Piece(pa.array(["m "]), np.array([0, 0], np.int32))
    >>> whole = Piece(pa.array(["a=0", "a=1"]), np.array([1, 0], np.int32), missing_rows=np.array([1]))
    >>> _entries([prefix, whole], [1, 2], rows=2).tolist()
    [[1, 3], [1, 0]]
    """
    result = np.empty((rows, len(pieces)), np.int32)
    for number, (piece, first) in enumerate(zip(pieces, firsts, strict=True)):
        np.add(piece.entries, np.int32(first), out=result[:, number])
        if len(piece.missing_rows):
            result[piece.missing_rows, number] = 0
    return result
