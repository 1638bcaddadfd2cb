"""The size of a bucket counts the files of all datasets in it, since InfluxDB walks all of its shards."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.bucket_size import BucketSize, bucket_size, read_bucket_size
from cli.deployed.stack import Deployment
from cli.deployed.stale import prepare_searches
from cli.errors import RefusedError
from shared.calendars import Count, encode
from shared.settings import STACK_NAME
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DAY, MONTH = Count(24, 3, 5, 6), Count(24, 9, 5, 7)


def loaded(dataset: str, measurement: str, calendar: dict[str, Count]) -> Any:
    about = {"dataset": dataset, "measurement": measurement, "calendar": json.dumps(encode(calendar))}
    return item(f"{dataset}.parquet", "loaded", 1) | about


@pytest.mark.parametrize(
    ("shard_seconds", "shards"), [(7 * 86_400, {"2024-01-10": 1, "2024-03": 5}), (3_600, {"2024-01-10": 24})]
)
def test_each_shard_of_a_day_or_a_month_counts_once(shard_seconds: int, shards: dict[str, int]) -> None:
    for period, count in shards.items():
        calendars = {"a": [{period: DAY}], "b": [{period: MONTH}]}
        assert bucket_size(calendars, "a", shard_seconds) == BucketSize(count, 3)
        assert bucket_size(calendars, "b", shard_seconds) == BucketSize(count, 12)
    assert bucket_size({}, "a", shard_seconds) == BucketSize(1, 0)


def test_it_counts_the_shards_and_series_of_the_other_datasets_of_the_bucket(ledger: "Table", aws: ScriptedAws) -> None:
    aws.outputs |= {"FindStaleName": "stale", "WriteBatchName": "write"}
    aws.environments |= {"stale": {}, "write": {"INFLUXDB_BUCKET": "ons"}}
    aws.results["health"] = {"version": "2.7.12", "shard_seconds": {"generation": 7 * 86_400}}
    put_items(
        ledger,
        loaded("generation", "generation_data", {"2024-01-10": DAY}),
        loaded("consumption", "consumption_data", {f"20{year}-01-10": MONTH for year in range(10, 20)}),
        loaded("transmission", "transmission_data", {"2024-01-11": MONTH}),
    )
    [prepared] = prepare_searches(Deployment(STACK_NAME), "dataset=generation/", "")
    assert read_bucket_size(Deployment(STACK_NAME), prepared, 1) == BucketSize(11, 12)
    assert read_bucket_size(Deployment(STACK_NAME), prepared, 100) == BucketSize(11, 100)
    aws.results["health"] = {"version": "3.9.6"}
    with pytest.raises(RefusedError, match="InfluxDB 3 cannot delete points"):
        read_bucket_size(Deployment(STACK_NAME), prepared, 1)
