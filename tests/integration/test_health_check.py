"""CheckHealth against the server: which tokens may load, found out without writing a point."""

from datetime import UTC, datetime

import pytest

from functions.check_health.health import check_health
from shared.errors import BucketNotFoundError, InfluxUnauthorizedError
from shared.events import Health
from shared.influx import Influx
from shared.settings import InfluxSettings
from tests.support.influx_api import InfluxApi


def check(api: InfluxApi, token: str, bucket: str) -> Health:
    influx = api.influx
    settings = InfluxSettings(
        url=influx.url, org=influx.org, bucket=bucket, token=token, token_secret_name="", ca_bundle=""
    )
    return check_health(Influx(settings), influx.org, {"generation": bucket}, datetime.now(UTC))


def bucket_names(api: InfluxApi) -> list[str]:
    (result,) = api.query("SHOW DATABASES").json()["results"]
    return sorted(row[0] for series in result["series"] for row in series.get("values", []))


@pytest.mark.parametrize(
    ("actions", "bucket"), [(("read", "write"), "found"), (("write",), "not checkable")], ids=["both", "write"]
)
def test_a_token_that_may_write_is_healthy_and_nothing_is_written(
    api_2: InfluxApi, actions: tuple[str, ...], bucket: str
) -> None:
    with api_2.new_bucket(retention_s=0) as own:
        with api_2.new_token(*actions) as token:
            assert check(api_2, token["token"], api_2.influx.bucket)["bucket"] == bucket
            with pytest.raises(InfluxUnauthorizedError, match="insufficient permissions for write"):
                check(api_2, token["token"], own["name"])
        (measurements,) = api_2.query("SHOW MEASUREMENTS", bucket=own["name"]).json()["results"]
        assert "series" not in measurements


def test_a_token_that_may_only_read_fails_before_the_load(api_2: InfluxApi) -> None:
    with (
        api_2.new_token("read") as reader,
        pytest.raises(InfluxUnauthorizedError, match=r"before the load: .*insufficient permissions for write"),
    ):
        check(api_2, reader["token"], api_2.influx.bucket)


def test_an_inactive_token_fails_before_the_load(api_2: InfluxApi) -> None:
    with api_2.new_token("read", "write") as token:
        path = f"/api/v2/authorizations/{token['id']}"
        assert api_2.request("PATCH", path, json={"status": "inactive"}).status_code == 200
        with pytest.raises(InfluxUnauthorizedError):
            check(api_2, token["token"], api_2.influx.bucket)


def test_a_bucket_with_a_mistyped_name_is_reported_and_not_created(api: InfluxApi) -> None:
    """InfluxDB 3 would create it, if CheckHealth sent it an empty write."""
    before = bucket_names(api)
    with pytest.raises(BucketNotFoundError):
        check(api, api.influx.token, "contract_mistyped")
    assert bucket_names(api) == before
