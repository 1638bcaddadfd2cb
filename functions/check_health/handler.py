"""The handler of state CheckHealth."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.check_health.health import check_health
from shared.datasets import DATASETS
from shared.events import Health, LoadState
from shared.influx import Influx
from shared.logs import log_invocations
from shared.settings import influx_settings


@log_invocations
def lambda_handler(event: LoadState, context: LambdaContext) -> Health:  # noqa: ARG001 every load has the same checks
    """Check that InfluxDB responds, accepts the token, and has each bucket that a dataset is written to."""
    started_at, settings = datetime.now(UTC), influx_settings()
    buckets = {name: dataset.bucket or settings.bucket for name, dataset in DATASETS.items()}
    return check_health(Influx(settings), settings.org, buckets, started_at)
