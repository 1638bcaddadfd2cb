"""The handler of state CheckHealth."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.check_health.health import check_health
from shared.datasets import DATASETS
from shared.errors import OutageError
from shared.events import Health, LoadState
from shared.influx import Influx
from shared.logs import log_invocations
from shared.outages import CheckLaterError, extend_outage
from shared.settings import influx_settings, outage_patience_s


@log_invocations
def lambda_handler(event: LoadState, context: LambdaContext) -> Health:  # noqa: ARG001 every load has the same checks
    """Check that InfluxDB responds, accepts the token, and has each bucket that a dataset is written to.

    A load, which passes its `outage`, waits while InfluxDB is unavailable. Whoever passes none gets the error at once.
    """
    started_at, settings = datetime.now(UTC), influx_settings()
    buckets = {name: dataset.influxdb_bucket or settings.bucket for name, dataset in DATASETS.items()}
    try:
        return check_health(Influx(settings), settings.org, buckets, started_at)
    except OutageError as error:
        if "outage" not in event:
            raise
        now, patience_s = datetime.now(UTC), outage_patience_s()
        raise CheckLaterError(extend_outage(event["outage"], error, patience_s=patience_s, now=now)) from error
