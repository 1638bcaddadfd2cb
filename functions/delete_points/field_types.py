"""The types of the fields of a measurement, which must be clear before its points may be deleted.

A query returns one type of each field: if shards have different types, it leaves out the values of the others. So a
before-image would lack them, and nobody would see that they are there.
"""

from functions.delete_points.stored_points import DOUBLE, PointQuery, quote, series_of
from shared.influx import Influx

LOADED_TYPE = "float"
"""The type of all values that the loader writes."""


def type_doubts(influx: Influx, query: PointQuery) -> list[str]:
    """Return a text for each field with several types, and for each of the loader's fields with another type.

    Raises:
        InfluxUnavailableError: The reply is missing or an error.
    """
    types: dict[str, set[str]] = {}
    statement = f"SHOW FIELD KEYS FROM {quote(query.measurement, DOUBLE)}"
    for series in series_of(influx.query(statement, bucket=query.bucket)):
        for field, type_ in series["values"]:
            types.setdefault(field, set()).add(type_)
    return [
        f"the field {field} has values of the type {' and '.join(sorted(stored))}, which another program wrote"
        for field, stored in sorted(types.items())
        if len(stored) > 1 or (field in query.names and stored != {LOADED_TYPE})
    ]
