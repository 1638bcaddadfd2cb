"""`loader query`: show the first points of a load as InfluxDB stores them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.deployed.names import find_report
from cli.deployed.stack import Deployment
from cli.listing import Column
from cli.moments import iso_time
from cli.options import AsJson, Load, Stack
from cli.output import console, listing, quantity, show_json
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.first_points import StoredPoint

MAX_LIMIT = 10_000
"""How many points to read at most: a table is for looking at, and `loader verify` reads all."""

Limit = Annotated[int, typer.Option("--limit", help="The maximum number of points to show.", min=1, max=MAX_LIMIT)]


def query(load: Load, *, limit: Limit = 10, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Show the first points of a load, with the values that InfluxDB stores now.

    This machine must be able to reach InfluxDB.
    """
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli.first_points import first_points  # noqa: PLC0415

    deployment = Deployment(stack)
    points = first_points(deployment, find_report(deployment, load), limit)
    if as_json:
        show_json([_content(point) for point in points])
    else:
        _show(points)


def _content(point: "StoredPoint") -> dict[str, Any]:
    return {"time": iso_time(point.time_ns), **point._asdict()}


def _show(points: "Sequence[StoredPoint]") -> None:
    tags = sorted({name for point in points for name in point.tags})
    fields = sorted({name for point in points for name in point.fields})
    table = listing("time", *(Column(tag, "key") for tag in tags), *(Column(field, "number") for field in fields))
    for point in points:
        values = (repr(point.fields[field]) if field in point.fields else "" for field in fields)
        table.add_row(iso_time(point.time_ns), *(point.tags.get(tag, "") for tag in tags), *values)
    console.print(table)
    if missing := sum(not point.fields for point in points):
        console.print(
            f"{quantity(missing, 'point')} of these {'is' if missing == 1 else 'are'} not stored any more: `loader "
            "verify` compares all points of the load.",
            style="yellow",
            soft_wrap=True,
        )
