"""Files that have values for the same points: the newest revision's values stand, however the loads interleave."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.aws_clients import dynamodb_resource
from shared.registrations import WRITE_SECONDS, Registrations, month_name
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import File, finish, hours, key_of, newest, put, stored
from tests.support.scripted_influx import ScriptedInflux
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

FILES = [hours("SE", 0, 10, 1.0), hours("N", 0, 10, 1.0), hours("SE", 5, 10, 2.0) | hours("N", 0, 3, 2.0)]
KEYS = [key_of(0, 1), key_of(1, 1), key_of(2, 2)]


@pytest.fixture
def loads(s3: "S3Client", context: SimpleNamespace, server: StoringInflux) -> list[StepwiseLoad]:
    """Two files of one month with disjoint regions, and a reprocessed one that corrects values of both."""
    for key, file in zip(KEYS, FILES, strict=True):
        put(s3, key, file)
    return [StepwiseLoad(s3, context, key) for key in KEYS]


def test_a_late_older_file_writes_only_what_the_newer_one_does_not_have(
    loads: list[StepwiseLoad], server: StoringInflux
) -> None:
    finish(loads[2], loads[0], loads[1])
    assert stored(server) == newest(FILES)
    points = loads[0].data["points"]
    assert (points["stored"], points["superseded"], sum(points.values())) == (5, 5, 10)
    assert (loads[1].data["points"]["superseded"], loads[2].data["points"]["superseded"]) == (3, 0)
    assert [load.data["verdict"] for load in loads] == ["loaded"] * 3


def test_a_file_whose_points_are_all_superseded_is_loaded(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    put(s3, key_of(0, 2), FILES[0])
    put(s3, key_of(0, 1), hours("SE", 2, 3, 7.0))
    new, old = (StepwiseLoad(s3, context, key_of(0, day)) for day in (2, 1))
    finish(new, old)
    assert stored(server) == FILES[0]
    assert (old.data["verdict"], old.data["points_written"], old.data["points"]["superseded"]) == ("loaded", 0, 3)


def test_only_the_fields_that_a_newer_file_has_are_left_out(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    old = hours("SE", 0, 4, 1.0) | hours("SE", 0, 4, 1.0, "efficiency")
    put(s3, key_of(0, 0), old)
    put(s3, key_of(0, 1), hours("SE", 2, 4, 2.0))
    newer, older = (StepwiseLoad(s3, context, key_of(0, day)) for day in (1, 0))
    finish(newer, older)
    assert stored(server) == old | hours("SE", 2, 4, 2.0)
    assert older.data["points"] == {"stored": 4, "rejected": 0, "superseded": 0, "not_sent": 0, "unknown": 0}


def test_a_newer_load_writes_again_after_an_older_one_that_had_begun(
    loads: list[StepwiseLoad], server: StoringInflux
) -> None:
    older = loads[0].run()
    assert [next(older) for _ in range(3)] == ["ConvertAndChunk", "RegisterLoad", "WriteBatch"]
    newer = loads[2].run()
    assert [next(newer) for _ in range(5)][-2:] == ["ConfirmWritten", "ConfirmWritten"]
    waiting = loads[2].state["converted"]
    assert waiting["not_before"]
    assert list(older) == ["ConfirmWritten", "ReportLoad"]
    assert stored(server)["SE", 7, "power_mw"] == 1.0
    assert list(newer) == ["WriteBatch", "ConfirmWritten", "ReportLoad"]
    assert stored(server) == newest([FILES[0], FILES[2]])
    assert loads[2].data["points"]["stored"] == 13


def test_a_newer_load_does_not_wait_for_an_older_one_without_a_common_point(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    put(s3, key_of(0, 1), hours("SE", 0, 10, 1.0))
    put(s3, key_of(1, 2), hours("N", 0, 10, 2.0))
    older, newer = StepwiseLoad(s3, context, key_of(0, 1)), StepwiseLoad(s3, context, key_of(1, 2))
    steps = older.run()
    assert [next(steps) for _ in range(3)][-1] == "WriteBatch"
    finish(newer)
    assert newer.data["points_written"] == 10
    assert len(stored(server)) == 10


def test_a_load_that_failed_is_not_waited_for_and_its_points_are_not_superseded(
    loads: list[StepwiseLoad], server: StoringInflux
) -> None:
    newer = loads[2].run()
    assert [next(newer) for _ in range(4)][-1] == "ConfirmWritten"  # every value is stored, but that is not recorded
    loads[2].fail()
    finish(loads[0])
    assert (loads[0].data["points_written"], stored(server)["SE", 7, "power_mw"]) == (10, 1.0)


@pytest.mark.parametrize(("last_step", "seconds"), [("WriteBatch", None), ("ConfirmWritten", WRITE_SECONDS)])
def test_a_load_that_fails_while_it_writes_counts_as_active_until_its_last_invocation_has_ended(
    s3: "S3Client", context: SimpleNamespace, influx: ScriptedInflux, ledger: "Table", *, last_step: str, seconds: int
) -> None:
    influx.fallback = StoringInflux()
    put(s3, KEYS[0], FILES[0])
    load = StepwiseLoad(s3, context, KEYS[0])
    next(step for step in load.run() if step == last_step)
    failed_at = datetime.now(UTC)
    load.fail()
    (item,) = Registrations(ledger).read(month_name("ons", "generation_data", "2024-01"))
    if seconds is None:
        assert datetime.fromisoformat(item["active_until"]) <= datetime.now(UTC)
    else:
        assert timedelta(0) <= datetime.fromisoformat(item["active_until"]) - failed_at - timedelta(seconds=seconds - 2)
    assert not item["written"]


def test_a_load_looks_for_deletions_and_takes_five_requests_a_month_where_nothing_overlaps(
    loads: list[StepwiseLoad],
    server: StoringInflux,
) -> None:
    operations: list[str] = []
    events = dynamodb_resource().meta.client.meta.events
    events.register("before-call.dynamodb.*", lambda model, **_: operations.append(model.name))
    finish(loads[0])
    assert operations == ["Query", "PutItem", "Query", "UpdateItem", "Query", "UpdateItem"]


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 100))])
def test_random_histories_end_with_the_newest_values(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    order = [(day, slot) for day in range(int(chance.integers(2, 9))) for slot in range(3) if chance.random() < 0.5]
    files = {key_of(slot, day): random_file(chance, value=10.0 * day + slot) for day, slot in order}
    for key, file in files.items():
        put(s3, key, file)
    executions(s3, context, list(files), chance)
    assert stored(server) == newest(list(files.values()))


def random_file(chance: np.random.Generator, value: float) -> File:
    first, count = int(chance.integers(0, 20)), int(chance.integers(1, 20))
    field = str(chance.choice(["power_mw", "efficiency"]))
    return hours(str(chance.choice(["SE", "N"])), first, count, value / 100, field) | hours("SE", first, 2, value / 100)


def executions(s3: "S3Client", context: SimpleNamespace, keys: list[str], chance: np.random.Generator) -> None:
    """Load all keys, interleaved at random. A step in ten crashes, and its execution is followed by another one."""
    running: list[tuple[str, StepwiseLoad, Iterator[str]]] = []
    waiting, started = list(chance.permutation(keys)), 0
    while running or waiting:
        if waiting and (not running or chance.random() < 0.2):
            key = str(waiting.pop())
            load = StepwiseLoad(s3, context, key, f"run-{started}")
            load.repeats = bool(chance.random() < 0.2)
            load.is_hurried = bool(chance.random() < 0.2)
            running.append((key, load, load.run()))
            started += 1
        number = int(chance.integers(len(running)))
        key, load, steps = running[number]
        if chance.random() < 0.1 and load.state.get("converted"):
            load.fail()
            waiting.append(key)
            running.pop(number)
        elif next(steps, None) is None:
            running.pop(number)
