"""A model of the protocol of revisions, as small as its requests allow, for an exhaustive exploration.

All loads write one and the same point. A step of a `Load` is one request as an execution makes it: to the ledger, or to
InfluxDB. The decisions between the requests are the real ones (`functions/register_load/protocol.py`). A crash begins
the successor of an execution, which the ledger sees as another registration of the same version.

Three reductions keep the number of states small. Each keeps every end that the full model has:

- A step that changes only what its own execution remembers happens together with the request before it. No other
  execution can observe it, and a crash before it leaves the same as one after it. So any order of steps ends like one
  in which it follows at once. Such steps are the replies of RegisterLoad and ConfirmWritten, and the writing of a load
  that leaves out its point.
- An execution does not crash between its registration and its first read. A read changes nothing, so a crash after it,
  at the same time, leaves the same.
- `forget` in `protocol_states` drops what no later decision reads: the names of deleted items; the names that an ended
  execution left out, except those of executions that still run; and deleted items, if another one tells the same about
  their version.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.support.protocol_items import (
    NO_NAMES,
    Item,
    Month,
    Names,
    names_of_ended,
    names_of_newer,
    older,
)


class Load(NamedTuple):
    """One execution.

    Attributes:
        item: its item in the ledger.
        step: its next request; "" if it has ended.
        newer: the newer registrations whose points it leaves out; not empty means that it writes nothing.
        settled: the registrations that had ended before it wrote, for the first time or again.
        remembered: those that had ended before it wrote for the first time.
        outlasted: the older registrations for whose end ConfirmWritten has waited, until it returns.
        due: whether an execution of its version was written and then crashed, so that this one must not give up.
        deleted: whether its item is deleted.
    """

    item: Item
    step: str = "register"
    newer: Names = NO_NAMES
    settled: Names = NO_NAMES
    remembered: Names = NO_NAMES
    outlasted: Names = NO_NAMES
    due: bool = False
    deleted: bool = False


Follower = tuple[Load, bool, int]
"""A load after its next step, whether it wrote the point, and the number of crashes that this took."""


@cache
def followers(load: Load, month: Month) -> tuple[Follower, ...]:
    """Return what may follow if the load makes its next request. A load that waits, or has ended, makes none."""
    return tuple(STEPS[load.step](load, month)) if load.step else ()


def _register(load: Load, _: Month) -> Iterator[Follower]:
    yield load._replace(step="read"), False, 0


def _read(load: Load, month: Month) -> Iterator[Follower]:
    """RegisterLoad reads the month. It records what it leaves out, if the item has something else."""
    settled, newer = names_of_ended(month), names_of_newer(load.item, month)
    load = load._replace(newer=newer, settled=settled, remembered=settled)
    if newer == load.item.left_out:
        yield from _reply(load)
    else:
        yield load._replace(step="record"), False, 0


def _record(load: Load, _: Month) -> Iterator[Follower]:
    for left_out in dict.fromkeys((load.newer, NO_NAMES)):  # NO_NAMES: there are too many to record these
        yield from _reply(load._replace(item=load.item._replace(left_out=left_out)))
    yield load._replace(step="read"), False, 1  # it is called again before the request


def _reply(load: Load) -> Iterator[Follower]:
    """RegisterLoad returns, or its reply is lost and it is called again."""
    yield load._replace(step="mark" if load.newer else "write", newer=NO_NAMES), False, 0
    yield load._replace(step="read", newer=NO_NAMES), False, 1


def _write(load: Load, _: Month) -> Iterator[Follower]:
    """WriteBatch writes the point. The second time, it may be called again, since its reply is lost."""
    yield load._replace(step="mark" if load.step == "write" else "confirm"), True, 0
    yield load, True, 1


def _mark(load: Load, _: Month) -> Iterator[Follower]:
    yield load._replace(step="confirm", item=load.item._replace(written=True)), False, 0


def _confirm(load: Load, month: Month) -> Iterator[Follower]:
    """ConfirmWritten reads the month. It ends the load, or waits, or writes again."""
    if load.item.confirmed:  # a call before this one ended the registration, but its reply was lost
        yield load._replace(step="end"), False, 0
        return
    outlasted, have_ended = older(load.item, month, load.settled)
    if not outlasted:
        yield load._replace(step="end"), False, 0
    elif have_ended:
        newer = names_of_newer(load.item, month)
        load = load._replace(newer=newer, outlasted=outlasted)
        if load.item.left_out <= newer:
            yield from _reply_again(load)
        else:
            yield load._replace(step="record again"), False, 0


def _record_again(load: Load, _: Month) -> Iterator[Follower]:
    yield from _reply_again(load._replace(item=load.item._replace(left_out=load.item.left_out & load.newer)))
    yield load._replace(step="confirm", newer=NO_NAMES, outlasted=NO_NAMES), False, 1


def _reply_again(load: Load) -> Iterator[Follower]:
    """ConfirmWritten returns the chunks to write again, or its reply is lost and it is called again."""
    replied = load._replace(newer=NO_NAMES, outlasted=NO_NAMES)
    step = "confirm" if load.newer else "write again"
    yield replied._replace(step=step, settled=load.settled | load.outlasted), False, 0
    yield replied._replace(step="confirm"), False, 1


def _end(load: Load, _: Month) -> Iterator[Follower]:
    """ConfirmWritten ends the registration. If its reply is lost, it is called again."""
    yield ended(load.item), False, 0
    yield load._replace(step="confirm", item=load.item._replace(active=False, confirmed=True)), False, 1


STEPS = {
    "register": _register,
    "read": _read,
    "record": _record,
    "write": _write,
    "mark": _mark,
    "confirm": _confirm,
    "record again": _record_again,
    "write again": _write,
    "end": _end,
}


def ended(item: Item) -> Load:
    """Return what is left of an execution after its end: its item."""
    return Load(item._replace(active=False, confirmed=False), step="")


@cache
def crashes(load: Load) -> tuple[tuple[Load, ...], ...]:
    """Return what may be left if the execution ends here: its item, and the next execution of its version, or none.

    A load that is written is always taken up again: loads that left out its points rely on it.
    """
    if load.step in ("", "register", "read"):
        return ()
    dead, due = ended(load.item), load.item.written or load.due
    successor = Load(Item(load.item.rank, load.item.attempt + 1), due=due)
    return ((dead, successor),) if due else ((dead, successor), (dead,))
