"""The part of InfluxDB 2's API that deletes points."""

from http import HTTPStatus

from local.influxdb.administration import AdministrationHandler
from local.influxdb.api_handler import ApiError
from local.influxdb.delete_requests import parse_delete
from local.influxdb.deletes import delete_points
from local.influxdb.tokens import allows


class DeleteHandler(AdministrationHandler):
    """A connection with the route that deletes points.

    Attributes:
        delete_pace: How many times as long as 2.7.12 a delete takes; 0 means to delete at once.
    """

    delete_pace: float

    def delete(self) -> None:
        """Check in the order of 2.7: token, body, target, permission. Then delete, and reply."""
        authorization, delete = self.authorize(), parse_delete(self.read_body())
        self.check_org()
        bucket = self.bucket(self.parameters.get("bucket", ""))
        if not allows(authorization, "write", "buckets", bucket.id):
            raise ApiError(HTTPStatus.FORBIDDEN, "insufficient permissions to delete")
        delete_points(self.engine, bucket, delete, pace=self.delete_pace, is_client_gone=self.is_client_gone)
        self.reply(HTTPStatus.NO_CONTENT)
