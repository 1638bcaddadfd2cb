"""InfluxDB 2.7's HTTP API in front of the engine, as a process: write, ping, health, bucket look-up, InfluxQL.

Answers follow the source of 2.7.12: a body with one malformed line is refused as a whole (400), points that conflict
in a field's type or are older than the bucket's retention are dropped and the rest is written (422), errors are
{code, message}. When the engine is gone it breaks connections without an answer, as a server does that has crashed.
"""

import gzip
import json
import re
import sys
import zlib
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.influxdb.api_handler import ApiHandler, RefusedError
from local.influxdb.engine_client import EngineClient, EngineError
from local.influxdb.syntax import malformed_lines

_VERSION = "v2.7.12+gateway"
_ENGINE_PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`token_file` is read for each request, so a new token counts at once. `max_body_bytes` 0: no limit, as in 2.7."""

    port: int
    engine_port: int
    org: str
    token_file: str
    max_body_bytes: int


class GatewayServer(ThreadingHTTPServer):
    """A thread, and a connection to the engine, for each connection of a client."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings) -> None:
        super().__init__(("127.0.0.1", settings.port), GatewayHandler)
        self.settings = settings


class GatewayHandler(ApiHandler):
    """The routes. Their errors come from the engine, or are refusals."""

    server: GatewayServer

    def setup(self) -> None:
        """Before the first request."""
        super().setup()
        self.settings = self.server.settings
        self.engine = EngineClient(self.settings.engine_port)

    def end_headers(self) -> None:
        """Every answer tells the version."""
        self.send_header("X-Influxdb-Version", _VERSION)
        super().end_headers()

    def finish(self) -> None:
        """After the last request."""
        self.engine.close()
        super().finish()

    def do_GET(self) -> None:  # noqa: N802 - the parent class looks for this name
        """One of the reading requests."""
        self.dispatch(
            {"/ping": self._ping, "/health": self._health, "/api/v2/buckets": self._buckets, "/query": self._query}
        )

    def do_POST(self) -> None:  # noqa: N802 - the parent class looks for this name
        """A write, or a query in a form."""
        self.dispatch({"/api/v2/write": self._write, "/query": self._query})

    def _authorize(self) -> None:
        token = Path(self.settings.token_file).read_text()
        if self.headers.get("Authorization") not in (f"Token {token}", f"Bearer {token}"):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "unauthorized access")

    def _ping(self) -> None:
        self.engine.ping()
        self.reply(HTTPStatus.NO_CONTENT)

    def _health(self) -> None:
        self.engine.ping()
        health = {"name": "influxdb", "message": "ready for queries and writes", "status": "pass", "checks": []}
        self.reply(HTTPStatus.OK, {**health, "version": _VERSION, "commit": ""})

    def _check_org(self) -> None:
        if (org := self.parameters.get("org", "")) != self.settings.org:
            raise RefusedError(HTTPStatus.NOT_FOUND, f'organization name "{org}" not found')

    def _buckets(self) -> None:
        """A name that is not there is an error within an organization, and an empty list without one."""
        self._authorize()
        wanted = self.parameters.get("name")
        rows = self.engine.query("SHOW DATABASES")[0].get("values", [])
        buckets = [self._bucket(name) for (name,) in rows if wanted in (None, name)]
        if "org" in self.parameters:
            self._check_org()
            if wanted and not buckets:
                raise RefusedError(HTTPStatus.NOT_FOUND, f'bucket "{wanted}" not found')
        self.reply(HTTPStatus.OK, {"links": {"self": self.path}, "buckets": buckets})

    def _bucket(self, name: str) -> dict[str, Any]:
        """Identifiers are 16 hex digits, here of the name's hash."""
        (policies,) = self.engine.query(f'SHOW RETENTION POLICIES ON "{name}"')
        duration, shard_group = policies["values"][0][1:3]
        rule = {"everySeconds": _seconds(duration), "shardGroupDurationSeconds": _seconds(shard_group)}
        return {
            "id": _identifier(name),
            "orgID": _identifier(self.settings.org),
            "type": "user",
            "name": name,
            "retentionRules": [{"type": "expire", **rule}],
            "labels": [],
        }

    def _query(self) -> None:
        """InfluxQL goes to the engine as it is, and its answer back piece by piece."""
        self._authorize()
        passed_on = ("Accept", "Accept-Encoding", "Content-Type")
        headers = {name: self.headers[name] for name in passed_on if name in self.headers}
        answer = self.engine.request(self.command, self.path, self.body, headers)
        self.send_response(answer.status)
        for name in {"Content-Type", "Content-Encoding"} & set(answer.headers):
            self.send_header(name, answer.headers[name])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(1 << 16):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _write(self) -> None:
        self._authorize()
        self._check_org()
        precision = self.parameters.get("precision") or "ns"
        if precision not in _ENGINE_PRECISIONS:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "invalid precision; valid precision units are ns, us, ms, and s")
        body = self._lines()
        if malformed := list(malformed_lines(body, precision)):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "\n".join(map(_unable_to_parse, malformed)))
        bucket = self.parameters.get("bucket", "")
        try:
            self.engine.write(body, database=bucket, precision=_ENGINE_PRECISIONS[precision])
        except EngineError as error:
            raise _refused_write(error, bucket) from None
        self.reply(HTTPStatus.NO_CONTENT)

    def _lines(self) -> bytes:
        try:
            lines = gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body
        except (OSError, EOFError, zlib.error):
            message = "An internal error has occurred - check server logs"
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, message) from None
        if 0 < self.settings.max_body_bytes < len(lines):
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "unable to read data: points batch is too large")
        return lines


def _refused_write(error: EngineError, bucket: str) -> RefusedError:
    """What 2.7 makes of the same error; 1.x answers 400 to most."""
    message = str(error)
    if error.status == HTTPStatus.NOT_FOUND or message == "database is required":
        return RefusedError(HTTPStatus.NOT_FOUND, f'bucket "{bucket}" not found')
    if "unable to parse" in message:
        return RefusedError(HTTPStatus.BAD_REQUEST, message)
    if message.startswith("partial write: "):
        return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"failure writing points to database: {message}")
    return RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, f"unexpected error writing points to database: {message}")


def _unable_to_parse(line: bytes) -> str:
    return f"unable to parse '{line.decode(errors='replace')}': invalid line protocol"


def _identifier(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:16]


def _seconds(duration: str) -> int:
    """Of the engine's spelling, as in 168h0m0s."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([hms])", duration))


def main() -> None:
    """Serve until killed; the only argument is Settings as JSON."""
    GatewayServer(Settings(**json.loads(sys.argv[1]))).serve_forever()


if __name__ == "__main__":
    main()
