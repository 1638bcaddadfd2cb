"""The call of InfluxDB's delete API. No other module of the loader has it."""

from influxdb_client.domain.delete_predicate_request import DeletePredicateRequest
from influxdb_client.service.delete_service import DeleteService

from shared.deletion.requests import predicate
from shared.influx import Influx
from shared.influx_answers import HttpReply
from shared.series_keys import Tags
from shared.times import utc_ns


def delete_range(
    influx: Influx, *, bucket: str, measurement: str, tags: Tags, first_ns: int, last_ns: int, timeout_s: float
) -> HttpReply:
    """Delete the points of some series from the first to the last time, both included.

    InfluxDB stops in the middle if the connection is closed, so the time-out must be longer than it needs.
    """
    body = DeletePredicateRequest(utc_ns(first_ns), utc_ns(last_ns), predicate(measurement, tags))
    return influx.send(
        lambda api: DeleteService(api).post_delete_with_http_info(
            body, org=influx.org, bucket=bucket, _request_timeout=(5_000, timeout_s * 1000)
        )
    )
