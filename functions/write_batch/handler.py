"""The handler of state WriteBatch."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.write_batch.delivery import WRITERS, write_chunk
from functions.write_batch.sending import Deadline, Sender
from shared.aws_clients import s3_client
from shared.datasets import DATASETS
from shared.events import ChunkProgress, ChunkRef
from shared.influx import Influx
from shared.logs import log_invocations
from shared.settings import delivery_settings, influx_settings, outage_patience_s


@log_invocations
def lambda_handler(event: ChunkRef, context: LambdaContext) -> ChunkProgress:
    """Write one chunk to InfluxDB, batch by batch, as far as the time of this invocation allows."""
    delivery = delivery_settings()

    def connect() -> Sender:
        settings = influx_settings()
        bucket = DATASETS[event["dataset"]].influxdb_bucket or settings.bucket
        deadline = Deadline(context.get_remaining_time_in_millis)
        return Sender(Influx(settings, connections=WRITERS), bucket, delivery.max_retries, deadline)

    patience_s = outage_patience_s()
    return write_chunk(s3_client(), event, connect, drop_rejected=delivery.drop_invalid_records, patience_s=patience_s)
