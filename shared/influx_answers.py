"""The one table that says what each reply of InfluxDB means for the loader.

`shared/influx.py` makes a request and returns an `HttpReply`: a status, or the exception where no response came.
`interpret` looks it up, in `BY_STATUS` or `BY_EXCEPTION`, and returns an `Answer`: what to do next, the error to raise
if that does not help, and a message for a person.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

from urllib3 import exceptions as urllib3_errors

from shared.errors import (
    BucketNotFoundError,
    InfluxDiskFullError,
    InfluxUnauthorizedError,
    InfluxUnavailableError,
    LoaderError,
    OutageError,
    RefusedPointsError,
    RequestRejectedError,
    SettingsError,
    UntrustedCertificateError,
)
from shared.rejections import retention_bound_ns

MAX_MESSAGE = 500
"""The longest server message to quote: a server may repeat every line that it rejects."""

DISK_FULL = "no space left on device"
"""The text in InfluxDB's messages while its disk is full, and on 2.7 after that until it is restarted."""

CLIENT_CLOSED_REQUEST = 499
"""InfluxDB 2.7 sends this status, which Nginx invented, when `http-read-timeout` ends a request."""

YEAR_S = 365 * 24 * 3600.0
"""The longest Retry-After to obey. Larger numbers would overflow dates and timeouts."""


class Action(Enum):
    """The next step after a reply."""

    DONE = auto()
    SPLIT = auto()
    """Bisect the body: InfluxDB rejected a line, or the size. This is safe, since writing a point twice is."""
    REAUTHORIZE = auto()
    """Read the secret once more, since the token may have been rotated; then give up."""
    RETRY = auto()
    STOP = auto()


@dataclass(frozen=True)
class Rule:
    """One row of the table: the action, the error if the action does not help, and the meaning in plain English."""

    action: Action
    error: type[LoaderError]
    meaning: str


def _unavailable(meaning: str) -> Rule:
    return Rule(Action.RETRY, InfluxUnavailableError, meaning)


NOT_INFLUXDB = Rule(Action.STOP, SettingsError, "INFLUXDB_URL does not point to InfluxDB's API: correct it")
"""A redirect, which the token must not follow, 200 with an HTML page, or a path that knows no POST."""

BY_STATUS: Mapping[int, Rule] = {
    HTTPStatus.NO_CONTENT: Rule(Action.DONE, LoaderError, "written"),
    HTTPStatus.BAD_REQUEST: Rule(Action.SPLIT, RefusedPointsError, "it rejected points"),
    HTTPStatus.UNPROCESSABLE_ENTITY: Rule(Action.SPLIT, RefusedPointsError, "it rejected points and wrote the rest"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Rule(Action.SPLIT, RefusedPointsError, "the request body is too large"),
    HTTPStatus.UNAUTHORIZED: Rule(Action.REAUTHORIZE, InfluxUnauthorizedError, "the token is invalid"),
    HTTPStatus.FORBIDDEN: Rule(Action.REAUTHORIZE, InfluxUnauthorizedError, "the token lacks permission"),
    HTTPStatus.NOT_FOUND: Rule(Action.STOP, BucketNotFoundError, "the bucket or organization does not exist"),
    HTTPStatus.METHOD_NOT_ALLOWED: NOT_INFLUXDB,
    CLIENT_CLOSED_REQUEST: _unavailable("it timed out reading the request"),
    HTTPStatus.REQUEST_TIMEOUT: _unavailable("it timed out reading the request"),
    HTTPStatus.TOO_MANY_REQUESTS: _unavailable("it is rate-limiting requests"),
    HTTPStatus.INTERNAL_SERVER_ERROR: _unavailable("internal error; the points may be written"),
    HTTPStatus.BAD_GATEWAY: _unavailable("a proxy got no valid response from it"),
    HTTPStatus.SERVICE_UNAVAILABLE: _unavailable("it is temporarily unavailable"),
    HTTPStatus.GATEWAY_TIMEOUT: _unavailable("a proxy timed out waiting for it"),
}

OTHER_SERVER_ERROR = _unavailable("a proxy in front of it failed")

UNTRUSTED = Rule(
    Action.STOP,
    UntrustedCertificateError,
    "its certificate cannot be verified: renew it, or put its CA certificate into INFLUXDB_CA_BUNDLE",
)

OTHER_CLIENT_ERROR = Rule(Action.STOP, RequestRejectedError, "it, or a proxy in front of it, rejects the request")

FULL_DISK = Rule(
    Action.RETRY,
    InfluxDiskFullError,
    "its disk is full, or was full since its last start: make room, then restart influxd",
)

BY_EXCEPTION: tuple[tuple[type[Exception], Rule], ...] = (
    (ssl.SSLCertVerificationError, UNTRUSTED),
    (urllib3_errors.ProxyError, _unavailable("the proxy in HTTPS_PROXY or HTTP_PROXY does not connect to it")),
    (
        urllib3_errors.LocationValueError,
        Rule(Action.STOP, SettingsError, "INFLUXDB_URL is not a valid URL: correct it"),
    ),
    (urllib3_errors.SSLError, _unavailable("the TLS handshake failed")),
    (urllib3_errors.NameResolutionError, _unavailable("its host name cannot be resolved (DNS)")),
    (ConnectionRefusedError, _unavailable("the connection was refused")),
    (urllib3_errors.NewConnectionError, _unavailable("its network is unreachable")),
    (urllib3_errors.ConnectTimeoutError, _unavailable("connecting timed out")),
    (urllib3_errors.TimeoutError, _unavailable("the request timed out")),
    (Exception, _unavailable("the connection was closed, or the response is malformed")),
)
"""The first row whose class the exception or one of its causes is an instance of applies.

The order matters, since urllib3's exception classes inherit from each other.
"""


STORES_NOTHING = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
)
"""The statuses of replies that store no point of the body. After any other, some or all points may be stored."""

NEVER_SENT = (
    ssl.SSLCertVerificationError,
    urllib3_errors.LocationValueError,
    urllib3_errors.NewConnectionError,
    urllib3_errors.ConnectTimeoutError,
    ConnectionRefusedError,
)
"""The exceptions of requests that had no connection, so that nothing was sent."""


@dataclass(frozen=True, kw_only=True)
class HttpReply:
    """A response of InfluxDB: `data` is parsed JSON or text. Without one, `status` is 0 and `exception` is set."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    data: object = None
    exception: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The meaning of a reply. The server asks for no further request within `retry_after_s` seconds.

    If `may_be_stored` is false, InfluxDB stored no point of the body. Points before `lower_bound_ns` (since 1970) are
    too old for the bucket; None if the reply does not say so.
    """

    action: Action
    error: type[LoaderError]
    status: int
    message: str
    retry_after_s: float
    may_be_stored: bool
    lower_bound_ns: int | None

    def exception(self, where: str) -> LoaderError:
        """Return the error to raise; `where` names the place in the load, such as a batch."""
        error = self.error(f"{where}: {self.message}")
        if isinstance(error, OutageError):
            error.retry_after_s = self.retry_after_s
        return error


def interpret(reply: HttpReply) -> Answer:
    """Return what `reply` means, by the first row of the table that matches."""
    rule = _rule(reply)
    return Answer(
        action=rule.action,
        error=rule.error,
        status=reply.status,
        message=_message(rule, reply),
        retry_after_s=retry_after_s(reply.headers.get("Retry-After", ""), datetime.now(UTC)),
        may_be_stored=_may_be_stored(reply),
        lower_bound_ns=retention_bound_ns(str(reply.data)) if rule.action is Action.SPLIT else None,
    )


def retry_after_s(header: str, now: datetime) -> float:
    """Return how many seconds to wait, as a Retry-After header demands.

    The header holds seconds or an HTTP date (RFC 9110, 10.2.3), maybe with spaces around it; anything else counts as
    0. The limit is `YEAR_S`.
    """
    header = header.strip()
    if header.isdecimal():
        return min(float(header), YEAR_S)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()), YEAR_S)


def _rule(reply: HttpReply) -> Rule:
    if reply.exception is None:
        return _rule_of_status(reply.status, reply.data)
    causes = tuple(_causes(reply.exception))
    return next(rule for kind, rule in BY_EXCEPTION if any(isinstance(cause, kind) for cause in causes))


def _rule_of_status(status: int, data: object) -> Rule:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FULL_DISK if DISK_FULL in str(data) else BY_STATUS.get(status, OTHER_SERVER_ERROR)
    return BY_STATUS.get(status, NOT_INFLUXDB if status < HTTPStatus.BAD_REQUEST else OTHER_CLIENT_ERROR)


def _may_be_stored(reply: HttpReply) -> bool:
    if reply.exception is None:
        return reply.status not in STORES_NOTHING
    return not any(isinstance(cause, NEVER_SENT) for cause in _causes(reply.exception))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _message(rule: Rule, reply: HttpReply) -> str:
    if reply.exception is not None:
        return f"no response from InfluxDB: {rule.meaning}"
    details = server_message(reply.data)
    return f"InfluxDB returned {reply.status} ({rule.meaning})" + (f": {details}" if details else "")


def server_message(data: object) -> str:
    """Return the server's own message, at most `MAX_MESSAGE` characters of it.

    InfluxDB 2 sends `message`, 1 sends `error`, and 3 sends `error` and an `error_message` for the line. A proxy may
    send text.
    """
    if not isinstance(data, dict):
        return str(data or "")[:MAX_MESSAGE].strip()
    line = data.get("data")
    if isinstance(line, list):
        line = line[0] if line else None
    parts = [data.get("message") or data.get("error"), line.get("error_message") if isinstance(line, dict) else None]
    return (": ".join(str(part) for part in parts if part) or json.dumps(data))[:MAX_MESSAGE]
