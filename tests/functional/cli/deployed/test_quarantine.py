"""The quarantine of a load as one list: rows by part, then points by chunk."""

from typing import Any

from cli.deployed.names import find_report
from cli.deployed.quarantine import SAMPLES, Quarantined, group_by_reason, read_quarantine
from cli.deployed.stack import Deployment
from tests.support.scripted_aws import STACK


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
