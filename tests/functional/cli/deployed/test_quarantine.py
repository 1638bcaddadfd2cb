"""The quarantine of a load as one list: rows by part, then points by chunk."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cli.deployed.names import find_report
from cli.deployed.quarantine import SAMPLES, Quarantined, group_by_reason, read_quarantine
from cli.deployed.stack import Deployment
from tests.support.builders import generation
from tests.support.finished_load import StoringInflux, load_file
from tests.support.scripted_aws import STACK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_rows_come_before_points_each_with_the_row_of_the_file(load: Any) -> None:
    deployment = Deployment(STACK)
    records = list(read_quarantine(deployment, find_report(deployment, load["load_id"])))
    assert [(record.source_row, record.rule) for record in records] == [
        (7, "missing_tag"),
        (8, "missing_tag"),
        (3, "refused_by_influxdb"),
    ]
    assert records[0].record["region"] is None
    assert records[2].record["line"].startswith("generation_data,energy_source=hydro")


def test_times_are_text_even_if_python_has_no_type_for_them(
    s3: "S3Client", context: SimpleNamespace, database: StoringInflux
) -> None:
    times = pa.array(
        [0, 1_704_067_200_123_456, 253_402_300_800_000_000, 1_704_067_200_000_000], pa.timestamp("us", "UTC")
    )
    table = generation(4, timestamp=times)
    deployment = Deployment(STACK)
    data = load_file(s3, context, "dataset=generation/times.parquet", table)
    records = list(read_quarantine(deployment, find_report(deployment, data["load_id"])))
    assert [record.record["timestamp"] for record in records] == ["1970-01-01 00:00:00Z", "10000-01-01 00:00:00Z"]


def test_groups_count_all_records_and_keep_the_first_samples() -> None:
    rare = Quarantined(99, "unusable_tag", "b", {})
    frequent = [Quarantined(row, "missing_tag", "a", {}) for row in range(SAMPLES + 2)]
    groups = group_by_reason([rare, *frequent])
    assert [(group.rule, group.reason, group.rows) for group in groups] == [
        ("missing_tag", "a", SAMPLES + 2),
        ("unusable_tag", "b", 1),
    ]
    assert groups[0].samples == frequent[:SAMPLES]


def test_a_rule_with_two_reasons_is_two_groups() -> None:
    records = [Quarantined(0, "missing_tag", reason, {}) for reason in ("region is empty", "plant is empty")]
    assert len(group_by_reason(records)) == 2
