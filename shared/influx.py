"""The InfluxDB client: its token, its timeouts, and single requests.

`Influx` makes requests and returns each reply as an `HttpReply`, whatever its status; `shared.influx_answers.interpret`
says what the reply means. `token` reads the token from the environment or from Secrets Manager. No log line, message
or exception of this module contains the token.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, cast

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError
from influxdb_client._sync.rest import RESTResponse
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.ping_service import PingService
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from shared.aws_clients import secrets_provider
from shared.aws_errors import THROTTLING_CODES
from shared.errors import AwsThrottledError, InfluxUnavailableError, LoaderError, SettingsError
from shared.influx_answers import Action, HttpReply, interpret
from shared.influx_http import BoundedPools, proxy_for
from shared.settings import InfluxSettings

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
"""The time-out of the whole response to a write. InfluxDB itself gives up a shard write after 10 s."""

QUERY_TIMEOUT_S = 10.0
"""The same for requests without points, which a healthy server answers at once."""

READBACK_TIMEOUT_S = 60.0
"""The same for queries that read points back, for which a busy server may take long."""

SECRET_MAX_AGE_S = 300

FINAL_SECRET_CODES = {
    "ResourceNotFoundException": "create the secret, or correct INFLUXDB_TOKEN_SECRET_NAME",
    "AccessDeniedException": "grant the function secretsmanager:GetSecretValue and kms:Decrypt",
    "DecryptionFailure": "grant the function kms:Decrypt for the secret's key",
    "InvalidRequestException": "store a token in the secret, and restore the secret if it is scheduled for deletion",
}
"""Error codes of Secrets Manager that only a change of the deployment resolves, and that change.

Its other errors are transient.
"""

_MINUS_ZERO = re.compile(r"-0(?![.\d])")

Request = Callable[[Any], Any]
"""A function that makes one request with an `ApiClient`: it returns data, status and headers, or raises."""


class Influx:
    """A connection to one InfluxDB for one invocation; it is thread-safe.

    When InfluxDB rejects the token, the secret is read once more, since the token may have been rotated.
    """

    def __init__(self, settings: InfluxSettings, *, connections: int = 1) -> None:
        self._settings = settings
        self._connections = connections
        self._client = self._connect(token(settings))
        self._lock = Lock()
        self._secret_reread = False

    def write(self, body: bytes, *, bucket: str, timeout_s: float) -> HttpReply:
        """Write line protocol to a bucket.

        Args:
            body: gzipped line protocol with timestamps in ns; it is sent unchanged.
            bucket: the name of the InfluxDB bucket.
            timeout_s: the time-out of the whole response, in seconds.
        """
        return self.send(
            lambda api: WriteService(api).post_write_with_http_info(
                self._settings.org,
                bucket,
                body,
                precision="ns",
                content_encoding="gzip",
                _request_timeout=_timeouts_ms(timeout_s),
            )
        )

    def write_nothing(self, bucket: str) -> HttpReply:
        """Send an empty write, which InfluxDB 2 checks for its permissions and then ignores.

        Never send it to InfluxDB 3, which creates a database that does not exist. A compressed empty body is an error.
        """
        return self.send(
            lambda api: WriteService(api).post_write_with_http_info(self._settings.org, bucket, b"", precision="ns")
        )

    def ping(self) -> HttpReply:
        """Ping the server; every version of InfluxDB has this endpoint."""
        return self.send(lambda api: PingService(api).get_ping_with_http_info())

    def get(self, path: str, **query: str) -> HttpReply:
        """Send a GET request. `data` of the reply is the parsed JSON."""
        return self.send(lambda api: api.call_api(path, "GET", query_params=[*query.items()], response_type="object"))

    def query(self, influxql: str, *, bucket: str, csv: bool = False) -> HttpReply:
        """Run an InfluxQL query.

        Args:
            influxql: the query.
            bucket: the name of the bucket; `database/policy` names a database and one of its retention policies.
            csv: whether `data` of the reply is the text of a CSV file, and not parsed JSON. A CSV reply is shorter, but
                where a query fails it is empty or ends early.
        """
        database, _, policy = bucket.partition("/")
        parameters = {"db": database, "rp": policy, "q": influxql, "epoch": "ns"}
        return self.send(
            lambda api: api.call_api(
                "/query",
                "GET",
                query_params=[(name, value) for name, value in parameters.items() if value],
                header_params={"Accept": "application/csv" if csv else "application/json"},
                response_type="object",
                _request_timeout=_timeouts_ms(READBACK_TIMEOUT_S),
            )
        )

    @property
    def org(self) -> str:
        """The organization that requests name."""
        return self._settings.org

    def send(self, request: Request) -> HttpReply:
        """Make a request, once more with a new token if the token was rejected and the secret has another one."""
        client = self._client
        reply = _exchange(client, request)
        if interpret(reply).action is Action.REAUTHORIZE and self._has_newer_token(client.token):
            reply = _exchange(self._client, request)
        return reply

    def _has_newer_token(self, rejected: str) -> bool:
        """Return whether the secret, read once for all threads, holds a token other than the `rejected` one."""
        with self._lock:
            if self._client.token == rejected and not self._secret_reread and not self._settings.token:
                self._secret_reread = True
                self._client = self._connect(token(self._settings, bypass_cache=True))
            return bool(self._client.token != rejected)

    def _connect(self, token: str) -> InfluxDBClient:
        client = InfluxDBClient(
            self._settings.url,
            token,
            timeout=_timeouts_ms(QUERY_TIMEOUT_S),
            org=self._settings.org,
            ssl_ca_cert=_ca_bundle(self._settings),
            connection_pool_maxsize=self._connections,
            proxy=proxy_for(self._settings.url),
        )
        cast(Any, client.api_client).deserialize = _deserialize
        rest = client.api_client.rest_client
        rest.pool_manager = cast(Any, BoundedPools(rest.pool_manager))
        return client


def _exchange(client: InfluxDBClient, request: Request) -> HttpReply:
    try:
        data, status, headers = request(client.api_client)
    except ApiException as error:
        if not error.status:
            return HttpReply(exception=error)
        body = error.body.replace(client.token, "***")
        return HttpReply(status=error.status, headers=error.headers, data=_json_or_text(body))
    except HTTPError as error:
        return HttpReply(exception=error)
    return HttpReply(status=status, headers=headers, data=data)


def _deserialize(response: RESTResponse, response_type: str) -> object:  # noqa: ARG001 - all requests read JSON or text
    return _json_or_text(response.data)


def _json_or_text(text: str) -> object:
    """Return parsed JSON, or the text. Python reads -0 as an integer, without its sign, which a value must keep."""
    try:
        return json.loads(text, parse_int=_signed) if _MINUS_ZERO.search(text) else json.loads(text)
    except ValueError:
        return text


def _signed(number: str) -> float:
    return -0.0 if number == "-0" else int(number)


def token(settings: InfluxSettings, *, bypass_cache: bool = False) -> str:
    """Return the token from the environment, or else from the secret.

    The secret is plain text, or JSON with a key `token`.

    Args:
        settings: the token, or the name of the secret.
        bypass_cache: bypass the cache of Powertools, which keeps a secret for `SECRET_MAX_AGE_S` seconds.

    Raises:
        SettingsError: the secret cannot be read, or it holds no token.
        InfluxUnavailableError: Secrets Manager does not respond.
        AwsThrottledError: Secrets Manager throttles requests.
    """
    if settings.token:
        return _check_token(settings.token, "INFLUXDB_TOKEN")
    try:
        secret = secrets_provider().get(settings.token_secret_name, max_age=SECRET_MAX_AGE_S, force_fetch=bypass_cache)
    except GetParameterError as error:
        raise _secret_error(settings.token_secret_name, error) from error
    return _check_token(_parse_token(str(secret)), f"the secret {settings.token_secret_name}")


def _parse_token(secret: str) -> str:
    parsed = _json_or_text(secret)
    return str(parsed.get("token", "")) if isinstance(parsed, dict) else secret


def _check_token(token: str, source: str) -> str:
    """Return the token without surrounding whitespace. Raise SettingsError if an HTTP header cannot contain it.

    The HTTP library would reject a header with a line break too, but with a message that quotes the token.
    """
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError(f"{source} holds no valid token: use plain text, or in a secret JSON with a key `token`")
    return token


def _secret_error(name: str, error: GetParameterError) -> LoaderError:
    cause = error.__cause__ or error.__context__
    code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else type(cause).__name__
    throttled = AwsThrottledError if code in THROTTLING_CODES else InfluxUnavailableError
    kind = SettingsError if code in FINAL_SECRET_CODES else throttled
    advice = FINAL_SECRET_CODES.get(code, "the loader retries")
    return kind(f"cannot read the secret {name}: {code}: {advice}")


def _ca_bundle(settings: InfluxSettings) -> str | None:
    if settings.ca_bundle and not Path(settings.ca_bundle).is_file():
        raise SettingsError(
            f"INFLUXDB_CA_BUNDLE is {settings.ca_bundle}, which does not exist: put the certificates there"
        )
    return settings.ca_bundle or None


def _timeouts_ms(read_s: float) -> tuple[float, float]:
    return min(CONNECT_TIMEOUT_S, read_s) * 1000, read_s * 1000
