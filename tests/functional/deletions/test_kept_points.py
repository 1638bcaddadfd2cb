"""What a deletion keeps: each value exactly, points that may be missing, and all that the retention period allows."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from functions.delete_points.before_image import changed_fields, decode_image, encode_image, make_image
from functions.delete_points.before_image import lines_of as lines_of_image
from shared.errors import InfluxUnavailableError
from tests.support.deletion import HOUR, START, lines_of
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial, break_after, values
from tests.support.fault_proxy import Exchange, FaultProxy, pass_on
from tests.support.influx_api import InfluxApi

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEPT_HOURS = 6


def test_a_value_keeps_the_sign_of_zero(trial: Trial) -> None:
    zero = {("operator=x,plant=b,region=N", 3, "power_mw"): -0.0}
    state = trial.finish(trial.start(CASES["an added tag"], CURRENT | zero))
    assert (state["status"], state["doubts"], state["rewritten"]) == ("done", [], 12)
    stored = trial.api.query(f"SELECT power_mw FROM \"{trial.api.series}\" WHERE operator='x'")  # noqa: S608
    assert stored.text.count(",-0]") == 1


def test_fields_may_have_any_name(trial: Trial) -> None:
    fields = ("series", "time_ns", "row", "fields", "line")
    stale = {key: value for field in fields for key, value in values("plant=a,region=N", range(3), 9, field).items()}
    state = trial.finish(trial.start(stale, CURRENT))
    assert (state["status"], state["removed"], state["rewritten"]) == ("done", 3, 3)
    assert trial.stored() == CURRENT


def test_points_that_may_be_missing_are_kept_if_they_are_stored(trial: Trial) -> None:
    """InfluxDB rejected them, or nobody knows whether it stores them. Another program did not write them."""
    uncertain = values("operator=x,plant=b,region=N", range(3, 6), 70, "efficiency")
    rejected = values("operator=x,plant=b,region=N", range(12, 14), 80)
    stale = values("plant=b,region=N", range(14), 9)
    state = trial.finish(trial.start(stale, CURRENT, uncertain, optional=uncertain | rejected))
    assert (state["status"], state["foreign"], state["doubts"], state["removed"]) == ("done", [], [], 14)
    assert trial.stored() == CURRENT | uncertain


def test_a_point_that_reads_back_with_another_value_is_reported(trial: Trial, proxy: FaultProxy) -> None:
    deletion = trial.start(CASES["an added tag"], CURRENT)
    other = {("operator=x,plant=b,region=N", 3, "power_mw"): 0.5}

    def overwrite(exchange: Exchange) -> None:
        reply = exchange.forward()
        if "/write" in exchange.handler.path:
            trial.api.write(lines_of(other, trial.api.series))
        exchange.send(reply)

    proxy.always = overwrite
    state = trial.finish(deletion)
    assert len(state["doubts"]) == 1
    assert state["doubts"][0].startswith("a point was written again, and reads back with another value: ")
    assert trial.stored() == CURRENT | other


def test_a_deletion_stops_if_what_is_stored_keeps_changing(trial: Trial, proxy: FaultProxy) -> None:
    deletion = trial.start(CASES["an added tag"], CURRENT)
    trial.step(deletion, LATER.replace(minute=0))
    proxy.set_faults(pass_on, pass_on, break_after)
    with pytest.raises(InfluxUnavailableError):
        trial.step(deletion)

    def change(exchange: Exchange) -> None:
        value = values("plant=b,region=N", range(1), time.monotonic())
        trial.api.write(lines_of(value, trial.api.series))
        exchange.send(exchange.forward())

    proxy.always = change
    state = [trial.step(deletion) for _ in range(2)][-1]
    assert state["doubts"] == [
        "what is stored keeps changing: another program writes there, or an earlier request is still running"
    ]
    assert trial.stored().items() >= CURRENT.items()


def test_the_before_image_of_a_former_release_can_be_written_back() -> None:
    values = pa.array([1.5, None]), pa.array([None, -0.0])
    image = make_image([pa.array(["m,t=a", "m,t=b"])], [pa.array([7, 8])], [values], ["series", "x"])
    former = image.rename_columns(["series", "time_ns", "a", "x"])
    assert decode_image(encode_image(former)).equals(image.rename_columns([*image.column_names[:2], "a", "x"]))
    assert lines_of_image(decode_image(encode_image(image))) == b"m,t=a series=1.5 7\nm,t=b x=-0 8"


def test_values_with_other_bits_are_changed() -> None:
    def image(*values: float | None) -> pa.Table:
        rows = len(values)
        return make_image([pa.array(["m,t=a"] * rows)], [pa.array(range(rows))], [[pa.array(values)]], ["x"])

    stored = image(0.0, -0.0, 1.0, 2.0, None)
    assert changed_fields(image(-0.0, -0.0, 1.0, 2.5, 3.0), stored).tolist() == [1, 0, 0, 1, 0]


@pytest.fixture
def short_lived(api: InfluxApi, proxy: FaultProxy, s3: "S3Client", ledger: "Table") -> Iterator[Trial]:
    """A trial in a bucket that keeps points from some hours after `START` on."""
    assert proxy
    retention_s = int(time.time()) - START // 10**9 - KEPT_HOURS * 3600
    with api.new_bucket(retention_s=retention_s) as bucket:
        trial = Trial(InfluxApi(replace(api.influx, bucket=bucket["name"])), s3, ledger)
        yield trial


def test_points_that_are_too_old_to_be_written_again_are_counted(short_lived: Trial) -> None:
    """InfluxDB stored them together with newer points of their shard, and rejects them alone."""
    deletion = short_lived.start(values("plant=b,region=N", (0, 1, 2, 7), 9), CURRENT)
    state = short_lived.finish(deletion)
    assert (state["status"], state["removed"], state["rewritten"], state["expired"]) == ("done", 4, 1, 3)
    expired = values("operator=x,plant=b,region=N", range(3), 50)
    assert short_lived.stored() == {key: value for key, value in CURRENT.items() if key not in expired}
    restored = short_lived.restore(deletion)
    assert (restored["restored"], restored["expired"]) == (1, 6)


def test_points_that_the_retention_period_has_dropped_are_not_in_doubt(short_lived: Trial, proxy: FaultProxy) -> None:
    deletion = short_lived.start(values("plant=b,region=N", (0, 1, 2, 7), 9), CURRENT)
    before = f"time < {START + (KEPT_HOURS - 1) * HOUR}"
    short_lived.api.query(f'DELETE FROM "{short_lived.api.series}" WHERE {before}', bucket=deletion["influxdb_bucket"])  # noqa: S608
    left = {key: value for key, value in CURRENT.items() if key[1] >= KEPT_HOURS - 1}
    state = short_lived.finish(deletion)
    assert (state["status"], state["removed"], state["doubts"]) == ("done", 1, [])
    assert sum(b'"predicate"' in exchange.body for exchange in proxy.exchanges) == 1
    assert short_lived.stored() == left
