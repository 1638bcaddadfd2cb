"""The parts of InfluxDB 2's API that find, create and delete buckets and tokens.

`authorize` and `check_org` are the checks that every route of the gateway begins with.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from local.influxdb.api_handler import ApiError, ApiHandler, Routes
from local.influxdb.buckets import Bucket, create_bucket, delete_bucket, find_bucket, identifier, list_buckets
from local.influxdb.engine_client import EngineClient
from local.influxdb.tokens import Authorization, TokenFile, allows


class AdministrationHandler(ApiHandler):
    """A connection with the routes of buckets and tokens."""

    org: str
    tokens: TokenFile
    engine: EngineClient

    def administration_routes(self, path: str) -> Routes:
        """Return the routes; those of a single bucket or token are for the id in `path`."""
        collection, _, resource_id = path.rpartition("/")
        routes: dict[str, Routes] = {
            "/api/v2/buckets": {path: {"DELETE": lambda: self._delete_bucket(resource_id)}},
            "/api/v2/authorizations": {
                path: {
                    "DELETE": lambda: self._delete_token(resource_id),
                    "PATCH": lambda: self._set_token_status(resource_id),
                }
            },
        }
        return {
            "/api/v2/buckets": {"GET": self._list_buckets, "POST": self._create_bucket},
            "/api/v2/authorizations": {"POST": self._create_token},
            **routes.get(collection, {}),
        }

    def authorize(self) -> Authorization:
        """Return what the request's token may do. Raises ApiError (401) for an unknown token."""
        authorization = self.tokens.find(self.headers.get("Authorization", ""))
        if authorization is None:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized access")
        return authorization

    def check_org(self) -> None:
        """Raise ApiError if the request does not name the organization by its name or id."""
        org = self.parameters.get("orgID") or self.parameters.get("org")
        if not org:
            raise ApiError(HTTPStatus.BAD_REQUEST, "Please provide either orgID or org")
        if org not in (self.org, identifier(self.org)):
            raise ApiError(HTTPStatus.NOT_FOUND, f'organization name "{org}" not found')

    def bucket(self, name: str) -> Bucket:
        """Return the bucket with this name. Raises ApiError (404) if there is none."""
        bucket = find_bucket(self.engine, name)
        if bucket is None:
            raise ApiError(HTTPStatus.NOT_FOUND, f'bucket "{name}" not found')
        return bucket

    def _list_buckets(self) -> None:
        """Reply with the buckets that the token may read.

        A name without a bucket is an error if the request names an organization, and an empty list otherwise.
        """
        authorization, name = self.authorize(), self.parameters.get("name")
        buckets = [bucket for bucket in list_buckets(self.engine) if name in (None, bucket.name)]
        if "org" in self.parameters or "orgID" in self.parameters:
            self.check_org()
            if name and not buckets:
                raise ApiError(HTTPStatus.NOT_FOUND, f'bucket "{name}" not found')
        readable = [bucket for bucket in buckets if allows(authorization, "read", "buckets", bucket.id)]
        content = [bucket.as_json(identifier(self.org)) for bucket in readable]
        self.reply(HTTPStatus.OK, {"links": {"self": self.path}, "buckets": content})

    def _create_bucket(self) -> None:
        request = self._operator_request()
        retention_s = sum(rule["everySeconds"] for rule in request.get("retentionRules", []))
        create_bucket(self.engine, request["name"], f"{retention_s}s" if retention_s else "INF")
        self.reply(HTTPStatus.CREATED, self.bucket(request["name"]).as_json(identifier(self.org)))

    def _delete_bucket(self, bucket_id: str) -> None:
        self._operator_request()
        for bucket in list_buckets(self.engine):
            if bucket.id == bucket_id:
                delete_bucket(self.engine, bucket.name)
                self.reply(HTTPStatus.NO_CONTENT)
                return
        raise ApiError(HTTPStatus.NOT_FOUND, "bucket not found")

    def _create_token(self) -> None:
        self.reply(HTTPStatus.CREATED, self.tokens.create(self._operator_request()["permissions"]))

    def _set_token_status(self, token_id: str) -> None:
        status = self._operator_request()["status"]
        if not self.tokens.set_status(token_id, status):
            raise ApiError(HTTPStatus.NOT_FOUND, "authorization not found")
        self.reply(HTTPStatus.OK, {"id": token_id, "status": status})

    def _delete_token(self, token_id: str) -> None:
        self._operator_request()
        if not self.tokens.delete(token_id):
            raise ApiError(HTTPStatus.NOT_FOUND, "authorization not found")
        self.reply(HTTPStatus.NO_CONTENT)

    def _operator_request(self) -> Mapping[str, Any]:
        """Return the JSON body of a request with the operator token."""
        if not allows(self.authorize(), "write", "authorizations"):
            raise ApiError(HTTPStatus.UNAUTHORIZED, "write:authorizations is unauthorized")
        content: Mapping[str, Any] = json.loads(self.read_body() or b"{}")
        return content
