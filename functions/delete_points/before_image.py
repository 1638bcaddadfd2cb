"""Points with their values, as an Arrow table: what InfluxDB stores before a request, so that it can be written again.

The first two columns are the series and the time. One for each field follows, with null for no value. The table is
sorted by series and time, and each point is in it once.
"""

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

SERIES, TIME = "_series", "_time_ns"
"""The names of the first two columns. No field has them: a declared name does not begin with `_`."""

_ROW, _FIELDS = "_row", "_fields"
Mask = NDArray[np.uint64]


def make_image(
    series: Sequence[pa.Array], times: Sequence[pa.Array], values: Sequence[Sequence[pa.Array]], names: Sequence[str]
) -> pa.Table:
    """Return the table of some blocks of points, each with its values of all fields."""
    schema = pa.schema([(SERIES, pa.string()), (TIME, pa.int64()), *((name, pa.float64()) for name in names)])
    tables = [
        pa.table([name, time, *columns], schema=schema)
        for name, time, columns in zip(series, times, values, strict=True)
    ]
    return pa.concat_tables([schema.empty_table(), *tables]).sort_by([(SERIES, "ascending"), (TIME, "ascending")])


def encode_image(image: pa.Table) -> bytes:
    """Return a table as Parquet."""
    content = io.BytesIO()
    pq.write_table(image, content, compression="zstd")
    return content.getvalue()


def decode_image(content: bytes) -> pa.Table:
    """Return a table that was encoded. A former release gave the first two columns other names."""
    image = pq.read_table(io.BytesIO(content))
    return image.rename_columns([SERIES, TIME, *image.column_names[2:]])


def merge_images(former: pa.Table, present: pa.Table) -> pa.Table:
    """Return all points of two images. Where both have a value, that of `present` counts: it is what is stored now."""
    both = pa.concat_tables([present, former])
    fields = both.column_names[2:]
    # `first` takes the first value that is not null, in the order of the rows.
    merged = both.group_by([SERIES, TIME], use_threads=False).aggregate([(name, "first") for name in fields])
    columns = [merged[name] for name in (SERIES, TIME, *(f"{name}_first" for name in fields))]
    return pa.table(columns, both.column_names).sort_by([(SERIES, "ascending"), (TIME, "ascending")])


def fields_of(image: pa.Table) -> Mask:
    """Return the fields of each point: bit `n` is set if it has a value of the nth field."""
    masks = np.zeros(len(image), np.uint64)
    for bit, name in enumerate(image.column_names[2:]):
        masks |= image[name].is_valid().to_numpy().astype(np.uint64) << np.uint64(bit)
    return masks


def select_fields(image: pa.Table, fields: Mask) -> pa.Table:
    """Return the points with these fields only, without those that have none of them."""
    columns = [image[SERIES], image[TIME]]
    for bit, name in enumerate(image.column_names[2:]):
        keep = pa.array((fields >> np.uint64(bit)) & np.uint64(1) == 1)
        columns.append(pc.if_else(keep, image[name], pa.scalar(None, pa.float64())))
    selected = pa.table(columns, image.column_names)
    return selected.filter(pa.array(fields_of(selected) != 0))


def stored_fields(points: pa.Table, stored: pa.Table) -> Mask:
    """Return, for each point, the fields that are stored. `stored` may have more points."""
    both = _join(points, stored.select([0, 1]).append_column(_FIELDS, pa.array(fields_of(stored))))
    fields = np.zeros(len(points), np.uint64)
    fields[both[_ROW].to_numpy()] = both[_FIELDS].to_numpy()
    return fields


def changed_fields(points: pa.Table, stored: pa.Table) -> Mask:
    """Return, for each point, the fields that are stored with a value of other bits: 0 and -0 differ."""
    both, fields = _join(points, stored), np.zeros(len(points), np.uint64)
    for bit, name in enumerate(points.column_names[2:]):
        own, present = points[name].take(both[_ROW]), both[name]
        are_valid = own.is_valid().to_numpy() & present.is_valid().to_numpy()
        bits = (column.fill_null(0.0).to_numpy().view(np.uint64) for column in (own, present))
        fields[both[_ROW].to_numpy()] |= (are_valid & np.not_equal(*bits)).astype(np.uint64) << np.uint64(bit)
    return fields


def _join(points: pa.Table, stored: pa.Table) -> pa.Table:
    """Return the columns of `stored` at the points that both have, and the row of each in `points`."""
    rows = points.select([0, 1]).append_column(_ROW, pa.array(np.arange(len(points))))
    return rows.join(stored, keys=[SERIES, TIME], join_type="inner")


def lines_of(image: pa.Table) -> bytes:
    r"""Return the points as line protocol.

    >>> image = make_image([pa.array(["m,t=a", "m,t=b"])], [pa.array([7, 8])],
    ...                    [[pa.array([1.5, None]), pa.array([2.0, 1e21])]], ["x", "y"])
    >>> lines_of(image)
    b'm,t=a x=1.5,y=2 7\nm,t=b y=1e+21 8'
    """
    names = image.column_names[2:]
    pairs = [pc.binary_join_element_wise(f"{name}=", image[name].cast(pa.string()), "") for name in names]
    fields = pc.binary_join_element_wise(*pairs, ",", null_handling="skip")
    lines = pc.binary_join_element_wise(image[SERIES], fields, image[TIME].cast(pa.string()), " ")
    return "\n".join(lines.to_pylist()).encode()
