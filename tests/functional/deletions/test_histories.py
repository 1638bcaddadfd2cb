"""Whatever happens before, a deletion leaves what current files and other programs have, as a simple model tells."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.support.deletion_history import History
from tests.support.fault_proxy import FaultProxy
from tests.support.influx_api import InfluxApi
from tests.support.killer import NEVER, Killer, after_change
from tests.support.recorded_loads import Value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

MANY = 30
"""A deletion, or a restore, of two requests makes more requests to AWS and InfluxDB."""

WEEK, HOUR = 7 * 86_400 * 10**9, 3600 * 10**9
TIMES = (-2 * WEEK, -1, 0, HOUR, HOUR + 1, 3 * WEEK)
"""They are in three shards."""

TAGS = (
    "",
    ",region=N",
    ",plant=a,region=N",
    ",operator=x,plant=a,region=N",
    ",plant=b,region=N",
    r",plant=old\ \,\"name\",region=S",
)
NUMBERS = ("1.0", "-0.0", "0.30000000000000004", "-2.5e-07", "1e+21", "0.0", "5e-324")


def values(tags: Collection[str], times: Collection[int], fields: Collection[str], number: int) -> dict[Value, str]:
    """Return a value of each field of each series at each time."""
    points = product(sorted(tags), sorted(times), sorted(fields))
    return {point: NUMBERS[(number + place) % len(NUMBERS)] for place, point in enumerate(points)}


def some(choices: Sequence[Any], most: int = 3) -> st.SearchStrategy[Collection[Any]]:
    return st.sets(st.sampled_from(choices), min_size=1, max_size=most)


FILE = st.builds(values, some(TAGS), some(TIMES, 4), some("ab"), st.integers(0, len(NUMBERS) - 1))
FOREIGN = st.one_of(
    st.builds(values, some(TAGS), some(TIMES), st.just({"temperature"}), st.just(0)),
    st.builds(values, some([f"{tags},sensor=7" for tags in TAGS]), some(TIMES), some("ab"), st.just(2)),
)
KILL = st.one_of(st.integers(0, 90), st.integers(1, 6).map(after_change), st.just(NEVER))
REWRITE = st.tuples(st.just("load"), st.just("x"), FILE)
NAMES = st.sampled_from("xyZ")
CHANGE = st.one_of(
    REWRITE,
    st.tuples(st.just("load"), NAMES, FILE),
    st.tuples(st.just("load"), NAMES, FILE, st.sampled_from(["failed before the first write", "killed"])),
    st.tuples(st.just("write"), FOREIGN),
    st.tuples(st.just("withdraw"), NAMES),
    st.tuples(st.just("undo"), NAMES),
    st.tuples(st.just("plan")),
)
DELETE = st.tuples(st.just("delete"), KILL)
RESTORE = st.tuples(st.just("restore"), st.integers(0, 3), KILL)
ROUND = st.tuples(REWRITE, st.lists(CHANGE, max_size=2), DELETE, st.lists(RESTORE | CHANGE, max_size=2)).map(
    lambda parts: [parts[0], *parts[1], parts[2], *parts[3]]
)
HISTORY = st.tuples(REWRITE, st.lists(ROUND, min_size=1, max_size=3)).map(lambda parts: sum(parts[1], [parts[0]]))

BEFORE = (
    values({",plant=a,region=N"}, TIMES, "ab", 0)
    | values({",region=N"}, TIMES[:3], "a", 1)
    | values({TAGS[5]}, TIMES, "a", 2)
    | values({",operator=x,plant=a,region=N"}, TIMES[3:], "b", 3)
)
AFTER = values({",plant=a,region=N"}, TIMES[:4], "a", 4) | values({",plant=b,region=N"}, TIMES, "a", 5)
"""Rows are removed, a field is gone, one tag is added and one removed, and a plant is renamed."""

OTHER = values({",region=N"}, TIMES[:1], "a", 6)
"""A file with one of the removed points."""

SENSOR = values({",plant=a,region=N,sensor=7"}, TIMES[5:], "a", 0)
"""Points of another program."""

ALL_SHAPES = [("load", "x", BEFORE), ("load", "Z", OTHER), ("load", "x", AFTER)]
PLANNED_BEFORE = [("plan",), ("write", SENSOR), ("load", "y", OTHER), ("delete",), ("restore", 0), ("undo", "x")]
TAG_ADDED = [("load", "x", values({tags}, TIMES, "a", 0)) for tags in (",region=N", ",plant=a,region=N")]
FAILS_MEANWHILE = [
    ("delete", after_change(1)),
    ("load", "y", values({",region=N"}, TIMES, "a", 0), "failed before the first write"),
    ("delete",),
]
"""A file that never wrote has the points that the deletion removed before it was killed."""

FIELD_BACK_MEANWHILE = [
    ("load", "x", values({",region=N"}, TIMES, "ab", 0)),
    ("load", "x", values({",plant=a,region=N"}, TIMES, "a", 0)),
    ("delete", after_change(1)),
    ("load", "x", values({",region=N"}, TIMES, "b", 1)),
    ("delete",),
]
"""A newer file has one of two fields of the points that the deletion removed before it was killed."""

KILLED = [("delete", after_change(1)), ("delete",), ("restore", 0, after_change(1)), ("restore", 0), ("delete",)]


class Histories:
    """Runs histories, each in a measurement of its own."""

    def __init__(self, api: InfluxApi, s3: "S3Client", ledger: "Table", proxy: FaultProxy) -> None:
        self._api, self._s3, self._ledger = api, s3, ledger
        self._killer = Killer(proxy, s3, ledger.meta.client)

    @contextmanager
    def begin(self, *steps: tuple[Any, ...]) -> Iterator[History]:
        """Return a history after these steps."""
        api = InfluxApi(self._api.influx)
        history = History(api, self._s3, self._ledger, self._killer)
        try:
            for name, *arguments in steps:
                if name in ("delete", "restore"):
                    history.check()
                getattr(history, name)(*arguments)
            yield history
        finally:
            api.query(f'DROP MEASUREMENT "{api.series}"')

    def run(self, steps: Iterable[tuple[Any, ...]]) -> None:
        """Run a history, and delete what is stale at its end."""
        with self.begin(*steps) as history:
            history.load_failed_files()
            history.check()
            history.delete()
            history.check()


@pytest.fixture
def histories(api: InfluxApi, s3: "S3Client", ledger: "Table", proxy: FaultProxy) -> Histories:
    return Histories(api, s3, ledger, proxy)


ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(HISTORY)
@example([*ALL_SHAPES, *PLANNED_BEFORE])
@example([*TAG_ADDED, *KILLED])
@example([*TAG_ADDED, *FAILS_MEANWHILE])
@example(FIELD_BACK_MEANWHILE)
@settings(max_examples=2, derandomize=True, suppress_health_check=ALLOWED)
def test_a_deletion_leaves_what_current_files_and_other_programs_have(histories: Histories, steps: Any) -> None:
    histories.run(steps)


@pytest.mark.slow
@given(HISTORY)
@settings(max_examples=60, phases=[Phase.generate], suppress_health_check=ALLOWED)
def test_many_histories(histories: Histories, steps: Any) -> None:
    histories.run(steps)


FORMER, NEWER = values(TAGS[1:5:3], TIMES[1:4], "a", 0), values(TAGS[3:4], TIMES[1:4], "a", 1)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(4))
def test_a_deletion_that_is_killed_at_any_request_is_completed_by_the_next_run(
    histories: Histories, first: int
) -> None:
    for kill_at in count(first, 4):
        with histories.begin(("load", "x", FORMER), ("load", "x", NEWER), ("plan",)) as history:
            history.delete(kill_at)
            if not history.unfinished:
                break
            history.delete()
            history.check()
    assert kill_at > MANY


@pytest.mark.slow
@pytest.mark.parametrize("first", range(4))
def test_a_restore_that_is_killed_at_any_request_is_completed_by_the_next_run(histories: Histories, first: int) -> None:
    for kill_at in count(first, 4):
        with histories.begin(("load", "x", FORMER), ("load", "x", NEWER), ("delete",)) as history:
            history.restore(0, kill_at)
            if not history.is_half_restored:
                break
            history.check()
            history.restore(0)
            history.check()
    assert kill_at > MANY
