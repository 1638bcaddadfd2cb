"""What an answer of InfluxDB, or its absence, means: the one table that every exchange is read by."""

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
    InfluxUnauthorizedError,
    InfluxUnavailableError,
    LoaderError,
    RefusedPointsError,
    SettingsError,
    UntrustedCertificateError,
)

MAX_MESSAGE = 500
"""A server may repeat every line it refuses; this much of it is enough for a person."""

YEAR_S = 365 * 24 * 3600.0
"""Longer than anyone waits, and still a number that dates and time-outs can hold."""


class Action(Enum):
    """What to do next."""

    DONE = auto()
    SPLIT = auto()
    """Something in the body is refused, or its size: halves tell what. Safe, since writing a point twice is."""
    REAUTHORIZE = auto()
    """The secret may hold a newer token: read it once, then give up."""
    RETRY = auto()
    STOP = auto()


@dataclass(frozen=True)
class Rule:
    """One row of the table: what to do, the error if that does not help, and what to tell a person."""

    action: Action
    error: type[LoaderError]
    meaning: str


def _unavailable(meaning: str) -> Rule:
    return Rule(Action.RETRY, InfluxUnavailableError, meaning)


BY_STATUS: Mapping[int, Rule] = {
    HTTPStatus.NO_CONTENT: Rule(Action.DONE, LoaderError, "written"),
    HTTPStatus.BAD_REQUEST: Rule(Action.SPLIT, RefusedPointsError, "it refuses points"),
    HTTPStatus.UNPROCESSABLE_ENTITY: Rule(Action.SPLIT, RefusedPointsError, "it refuses points and took the others"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Rule(Action.SPLIT, RefusedPointsError, "the body is too large for it"),
    HTTPStatus.UNAUTHORIZED: Rule(Action.REAUTHORIZE, InfluxUnauthorizedError, "it does not accept the token"),
    HTTPStatus.FORBIDDEN: Rule(Action.REAUTHORIZE, InfluxUnauthorizedError, "the token may not do this"),
    HTTPStatus.NOT_FOUND: Rule(Action.STOP, BucketNotFoundError, "it has no such bucket or organization"),
    HTTPStatus.REQUEST_TIMEOUT: _unavailable("it could not read the request in time"),
    HTTPStatus.TOO_MANY_REQUESTS: _unavailable("it is asked too often"),
    HTTPStatus.INTERNAL_SERVER_ERROR: _unavailable("it failed; the points may be stored"),
    HTTPStatus.BAD_GATEWAY: _unavailable("a proxy before it has no answer from it"),
    HTTPStatus.SERVICE_UNAVAILABLE: _unavailable("it is not available now"),
    HTTPStatus.GATEWAY_TIMEOUT: _unavailable("a proxy before it has no answer from it in time"),
}

OTHER_SERVER_ERROR = _unavailable("something before it fails")

UNTRUSTED = Rule(
    Action.STOP,
    UntrustedCertificateError,
    "its certificate cannot be verified: renew it, or name its authority's in INFLUXDB_CA_BUNDLE",
)

NOT_INFLUXDB = Rule(Action.STOP, SettingsError, "INFLUXDB_URL does not lead to InfluxDB's write API")
"""A redirect (which the token must not follow), a page of HTML with 200: only 204 is success."""

BY_EXCEPTION: tuple[tuple[type[Exception], Rule], ...] = (
    (ssl.SSLCertVerificationError, UNTRUSTED),
    (urllib3_errors.LocationValueError, Rule(Action.STOP, SettingsError, "INFLUXDB_URL is not a URL")),
    (urllib3_errors.SSLError, _unavailable("TLS fails")),
    (urllib3_errors.NameResolutionError, _unavailable("its name cannot be resolved (DNS)")),
    (ConnectionRefusedError, _unavailable("it refuses connections")),
    (urllib3_errors.NewConnectionError, _unavailable("there is no way to its network")),
    (urllib3_errors.ConnectTimeoutError, _unavailable("no connection within the time-out")),
    (urllib3_errors.TimeoutError, _unavailable("no answer within the time-out")),
    (Exception, _unavailable("the connection broke off, or its answer is garbled")),
)
"""The first row that matches the exception or one of its causes counts; urllib3's classes inherit from each other."""


@dataclass(frozen=True, kw_only=True)
class HttpReply:
    """What InfluxDB sent back: `data` is text, or what its JSON says. Nothing: `status` 0, and the exception."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    data: object = None
    exception: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer means. The server wants no request within `retry_after_s`."""

    action: Action
    error: type[LoaderError]
    status: int
    message: str
    retry_after_s: float

    def exception(self, where: str) -> LoaderError:
        """The error to raise, saying where in the load it happened."""
        return self.error(f"{where}: {self.message}")


def interpret(reply: HttpReply) -> Answer:
    """Look `answer` up."""
    rule = _rule(reply)
    return Answer(
        action=rule.action,
        error=rule.error,
        status=reply.status,
        message=_message(rule, reply),
        retry_after_s=retry_after_s(reply.headers.get("Retry-After", ""), datetime.now(UTC)),
    )


def retry_after_s(header: str, now: datetime) -> float:
    """Seconds or an HTTP date (RFC 9110, 10.2.3) as seconds from `now`, a year at most; 0 for what is neither."""
    if header.strip().isdecimal():
        return min(float(header.strip()), YEAR_S)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()), YEAR_S)


def _rule(reply: HttpReply) -> Rule:
    if reply.exception is None:
        other = NOT_INFLUXDB if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR else OTHER_SERVER_ERROR
        return BY_STATUS.get(reply.status, other)
    causes = tuple(_causes(reply.exception))
    return next(rule for kind, rule in BY_EXCEPTION if any(isinstance(cause, kind) for cause in causes))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _message(rule: Rule, reply: HttpReply) -> str:
    if reply.exception is not None:
        return f"InfluxDB does not answer: {rule.meaning}"
    said = server_message(reply.data)
    return f"InfluxDB answers {reply.status}, {rule.meaning}" + (f": {said}" if said else "")


def server_message(data: object) -> str:
    """The server's own words: `message` (2.x), `error` (1.x), `error` and the line's `error_message` (3), or text."""
    if not isinstance(data, dict):
        return str(data or "")[:MAX_MESSAGE].strip()
    line = data.get("data")
    if isinstance(line, list):
        line = line[0] if line else None
    said = [data.get("message") or data.get("error"), line.get("error_message") if isinstance(line, dict) else None]
    return (": ".join(str(part) for part in said if part) or json.dumps(data))[:MAX_MESSAGE]
