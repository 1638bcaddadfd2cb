"""After any history of loads, crashes, withdrawals, undos and deletions, a simple model tells what is stale."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ledger import LedgerItem
from shared.stale.ledger import plans_of
from shared.stale.loads import sort_loads
from shared.stale.plans import Footprints
from shared.stale.removals import removal_prefix
from shared.stale.search import Measurement, StaleKind, StaleSearch
from tests.functional.conftest import WORK
from tests.support.recorded_loads import FIELDS, End, Value, encoded, item, put_load, values_of
from tests.support.stale_points import PAUSE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Step = tuple[str, frozenset[Value], End] | Literal["withdraw", "undo", "delete"]

NUMBERS = count()
START = datetime(2024, 1, 1, tzinfo=UTC)


class History:
    """The loads of one measurement, as the ledger and the work bucket have them, and the model of what is stale.

    Attributes:
        stored: the values that some load has certainly written, and no deletion removed.
        doubtful: the values that a killed load planned.
        versions: the items of each object that a person has neither withdrawn nor undone, with their values.
    """

    def __init__(self, s3: "S3Client") -> None:
        self._s3, self._items, self._steps = s3, list[LedgerItem](), 0
        self._measurement = Measurement("ons", f"m{next(NUMBERS)}")
        self.stored, self.doubtful = set[Value](), set[Value]()
        self.versions: dict[str, list[tuple[LedgerItem, frozenset[Value]]]] = {}

    def load(self, name: str, values: frozenset[Value], end: End) -> None:
        now = self._now()
        load_id = put_load(self._s3, "d", values, end, now)
        self._items.append(item(name, "d", load_id, now, end))
        self.versions.setdefault(name, []).append((self._items[-1], values))
        if end == "loaded":
            self.stored |= values
        elif end == "killed":
            self.doubtful |= values

    def withdraw(self) -> None:
        """Withdraw all versions of the object that was loaded last."""
        for each in self._items:
            if each["object"] == self._items[-1]["object"]:
                each |= {"status": "skipped", "message": "withdrawn with loader forget"}
        self.versions.pop(self._items[-1]["object"], None)

    def undo(self) -> None:
        """Undo the newest loaded version of the object that was loaded last: the one before stands in its place."""
        versions = self.versions.get(self._items[-1]["object"], []) if self._items else []
        for version, values in reversed(versions):
            if version["status"] == "loaded":
                version |= {
                    "status": "undone",
                    "load_ended_at": version["changed_at"],
                    "changed_at": self._now().isoformat(),
                }
                versions.remove((version, values))
                return

    def delete(self) -> None:
        """Delete what is stale."""
        removed = frozenset(self.stored - self._contained())
        if removed:
            key = f"{removal_prefix('ons', self._measurement.name)}{self._now():%Y-%m-%dT%H:%M:%S.%fZ}/0.parquet"
            self._s3.put_object(Bucket=WORK, Key=key, Body=encoded(removed))
        # A killed load has no report that tells when it ended, so its points stay doubtful: it may have written later.
        self.stored -= removed

    def check(self) -> None:
        plans = plans_of(Footprints(self._s3, WORK), self._items, in_bulk=False)
        loads = sort_loads(self._items, plans, START + timedelta(days=1), PAUSE)
        search, listed = StaleSearch(self._s3, WORK, self._measurement, loads), dict[StaleKind, list[Value]]()
        for part in search.find():
            listed.setdefault(part.kind, []).extend(values_of(part.points))
        assert sorted(listed.get("stored", [])) == sorted(self.stored - self._contained())
        assert set(listed.get("uncertain", [])) <= self.doubtful - self._contained() - self.stored

    def _contained(self) -> set[Value]:
        return set().union(*map(_current_values, self.versions.values()))

    def _now(self) -> datetime:
        self._steps += 1
        return START + timedelta(seconds=self._steps)


def _current_values(versions: Sequence[tuple[LedgerItem, frozenset[Value]]]) -> set[Value]:
    """Return the values of the newest loaded version, and of the attempts after it."""
    current = set[Value]()
    for version, values in versions:
        current = set(values) if version["status"] == "loaded" else current | values
    return current


VALUES = st.tuples(st.sampled_from(["m,t=x", "m,t=y", "m"]), st.integers(0, 2), st.sampled_from(FIELDS))
ENDS = st.sampled_from(["loaded", "loaded", "loaded", "failed before the first write", "killed"])
LOADS = st.tuples(st.sampled_from(["s3://b/1", "s3://b/2"]), st.frozensets(VALUES, min_size=1), ENDS)
STEPS = st.lists(
    st.one_of(LOADS, LOADS, LOADS, st.sampled_from(["withdraw", "undo", "delete"])), min_size=2, max_size=9
)


@given(STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_what_is_stored_and_in_no_current_file_is_stale(s3: "S3Client", steps: Sequence[Step]) -> None:
    history = History(s3)
    for step in steps:
        if step == "delete":
            history.delete()
        elif step == "undo":
            history.undo()
        elif step == "withdraw":
            if history.versions:
                history.withdraw()
        else:
            history.load(*step)
    history.check()
