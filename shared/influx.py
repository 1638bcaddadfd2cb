"""The way to InfluxDB: the client, its token, and one exchange at a time. Nothing here tells the token."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from aws_lambda_powertools.utilities.parameters import get_secret
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.ping_service import PingService
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from shared.errors import InfluxUnavailableError, LoaderError, SettingsError
from shared.influx_answers import Action, HttpReply, interpret
from shared.settings import InfluxSettings

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
"""Above the 10 s after which InfluxDB gives up a shard write by itself, far below a function's time-out."""

ASK_TIMEOUT_S = 10.0
"""For everything else, which is answered at once where all is well."""

SECRET_MAX_AGE_S = 300

FINAL_SECRET_CODES = frozenset(
    {"ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure", "InvalidRequestException"}
)
"""Of Secrets Manager: the deployment has to change. Its other errors pass."""

Request = Callable[[Any], Any]
"""Given an `ApiClient`, make one request: data, status and headers, or an exception."""


class Influx:
    """One InfluxDB as one invocation sees it; safe for several threads.

    A refused token is read from the secret again, once: it may have been rotated.
    """

    def __init__(self, settings: InfluxSettings, *, connections: int = 1) -> None:
        self._settings = settings
        self._connections = connections
        self._client = self._connect(token(settings))
        self._lock = Lock()
        self._reread = False

    def write(self, body: bytes, *, bucket: str, timeout_s: float) -> HttpReply:
        """Write gzipped line protocol with timestamps in ns, the bytes as they are."""
        return self._ask(
            lambda api: WriteService(api).post_write_with_http_info(
                self._settings.org,
                bucket,
                body,
                precision="ns",
                content_encoding="gzip",
                _request_timeout=_timeouts_ms(timeout_s),
            )
        )

    def ping(self) -> HttpReply:
        """Ask whether the server is there; every version answers."""
        return self._ask(lambda api: PingService(api).get_ping_with_http_info())

    def get(self, path: str, **query: str) -> HttpReply:
        """Ask anything else; JSON is parsed."""
        return self._ask(lambda api: api.call_api(path, "GET", query_params=[*query.items()], response_type="object"))

    def _ask(self, request: Request) -> HttpReply:
        client = self._client
        reply = _exchange(client, request)
        if interpret(reply).action is Action.REAUTHORIZE and self._has_newer_token(client.token):
            reply = _exchange(self._client, request)
        return reply

    def _has_newer_token(self, refused: str) -> bool:
        """Whether another thread's or our own one look into the secret brings a token other than `refused`."""
        with self._lock:
            if self._client.token == refused and not self._reread and not self._settings.token:
                self._reread = True
                self._client = self._connect(token(self._settings, afresh=True))
            return bool(self._client.token != refused)

    def _connect(self, token: str) -> InfluxDBClient:
        return InfluxDBClient(
            self._settings.url,
            token,
            timeout=_timeouts_ms(ASK_TIMEOUT_S),
            org=self._settings.org,
            ssl_ca_cert=_ca_bundle(self._settings),
            connection_pool_maxsize=self._connections,
        )


def _exchange(client: InfluxDBClient, request: Request) -> HttpReply:
    try:
        data, status, headers = request(client.api_client)
    except ApiException as error:
        if not error.status:
            return HttpReply(exception=error)
        said = error.body.replace(client.token, "***")
        return HttpReply(status=error.status, headers=error.headers, data=_parsed(said))
    except (HTTPError, UnicodeDecodeError) as error:
        return HttpReply(exception=error)
    return HttpReply(status=status, headers=headers, data=data)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def token(settings: InfluxSettings, *, afresh: bool = False) -> str:
    """The token of the environment, or of the secret: plain text, or JSON with a key `token`.

    Raises SettingsError, or InfluxUnavailableError where Secrets Manager does not answer.
    """
    if settings.token:
        return _sendable(settings.token, "INFLUXDB_TOKEN")
    try:
        secret = get_secret(settings.token_secret_name, max_age=SECRET_MAX_AGE_S, force_fetch=afresh)
    except GetParameterError as error:
        raise _secret_error(settings.token_secret_name, error) from error
    return _sendable(_token_in(str(secret)), f"the secret {settings.token_secret_name}")


def _token_in(secret: str) -> str:
    parsed = _parsed(secret)
    return str(parsed.get("token", "")) if isinstance(parsed, dict) else secret


def _sendable(token: str, source: str) -> str:
    """Refused here, since an HTTP header with a line break in it is refused by telling what it holds."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError(f"{source} holds no token: make it plain text, or a secret's JSON with a key `token`")
    return token


def _secret_error(name: str, error: GetParameterError) -> LoaderError:
    cause = error.__cause__ or error.__context__
    code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else type(cause).__name__
    kind = SettingsError if code in FINAL_SECRET_CODES else InfluxUnavailableError
    return kind(f"the secret {name} cannot be read: {code}")


def _ca_bundle(settings: InfluxSettings) -> str | None:
    if settings.ca_bundle and not Path(settings.ca_bundle).is_file():
        raise SettingsError(f"INFLUXDB_CA_BUNDLE names {settings.ca_bundle}, which is no file")
    return settings.ca_bundle or None


def _timeouts_ms(read_s: float) -> tuple[float, float]:
    return min(CONNECT_TIMEOUT_S, read_s) * 1000, read_s * 1000
