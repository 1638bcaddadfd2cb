"""InfluxDB 2.7's HTTP API in front of the engine, as a process: write, delete, query, ping, health, buckets and tokens.

Its replies are those of a real 2.7.12: a body with one malformed line is rejected as a whole (400); points whose field
has another type, or that are older than the bucket's retention period, are rejected alone (422). If the engine is not
running, the gateway breaks connections without a reply, as a crashed server does.
"""

import json
import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.influxdb import gzip_body
from local.influxdb.api_handler import ApiError
from local.influxdb.buckets import Bucket, find_bucket
from local.influxdb.delete_handler import DeleteHandler
from local.influxdb.engine_client import EngineClient
from local.influxdb.gateway_settings import Settings
from local.influxdb.tokens import TokenFile, allows
from local.influxdb.writes import ENGINE_PRECISIONS, check_lines, write_lines

_VERSION = "v2.7.12+gateway"
_SHOW_DATABASES = re.compile(r"\s*SHOW\s+DATABASES\b", re.IGNORECASE)
_PIECE_BYTES = 1 << 16


class GatewayServer(ThreadingHTTPServer):
    """A server with one thread, and one connection to the engine, per connection of a client."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings) -> None:
        super().__init__(("127.0.0.1", settings.port), GatewayHandler)
        self.settings = settings


class GatewayHandler(DeleteHandler):
    """One connection of a client, with all routes of the gateway."""

    server: GatewayServer

    def setup(self) -> None:
        """Prepare the connection for its first request."""
        super().setup()
        self.settings = self.server.settings
        self.org = self.settings.org
        self.read_timeout_s = self.settings.read_timeout_s
        self.delete_pace = self.settings.delete_pace
        self.tokens = TokenFile(Path(self.settings.token_file))
        self.engine = EngineClient(self.settings.engine_port)

    def end_headers(self) -> None:
        """Add the version to every reply."""
        self.send_header("X-Influxdb-Build", "OSS")
        self.send_header("X-Influxdb-Version", _VERSION)
        super().end_headers()

    def finish(self) -> None:
        """Close the connection to the engine after the last request."""
        self.engine.close()
        super().finish()

    def do_GET(self) -> None:  # noqa: N802 - http.server calls this name
        """Reply to a request of any method."""
        path = urlsplit(self.path).path
        routes = {
            "/ping": {"GET": self._ping, "HEAD": self._ping},
            "/health": {"GET": self._health},
            "/query": {"GET": self._query, "POST": self._query},
            "/api/v2/write": {"POST": self._write},
            "/api/v2/delete": {"POST": self.delete},
        }
        self.dispatch(path, {**routes, **self.administration_routes(path)})

    do_DELETE = do_HEAD = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - http.server calls these names

    def _ping(self) -> None:
        self.engine.ping()
        self.reply(HTTPStatus.NO_CONTENT)

    def _health(self) -> None:
        self.engine.ping()
        health = {"name": "influxdb", "message": "ready for queries and writes", "status": "pass", "checks": []}
        self.reply(HTTPStatus.OK, {**health, "version": _VERSION, "commit": ""})

    def _query(self) -> None:
        """Pass InfluxQL on to the engine unchanged, and its reply back piece by piece.

        A database and a retention policy name the bucket `database/policy`, if there is one.
        """
        authorization, body = self.authorize(), self.read_body()
        if authorization["status"] != "active":
            raise ApiError(HTTPStatus.FORBIDDEN, "insufficient permissions")
        form = {**dict(parse_qsl(body.decode(errors="replace"))), **self.parameters}
        if not form.get("q", "").strip():
            raise ApiError(HTTPStatus.BAD_REQUEST, "mime: no media type")
        bucket = self._find_bucket(form)
        if not allows(authorization, "read", "buckets", bucket.id if bucket else ""):
            self._reply_without_buckets(form["q"], form.get("db", ""))
            return
        headers = {
            name: self.headers[name] for name in ("Accept", "Accept-Encoding", "Content-Type") if name in self.headers
        }
        path = self.path
        if bucket and bucket.name != form["db"]:
            parameters = {name: value for name, value in self.parameters.items() if name != "rp"}
            path = "/query?" + urlencode({**parameters, "db": bucket.database})
        self._forward(self.engine.request(self.command, path, body, headers))

    def _find_bucket(self, form: Mapping[str, str]) -> Bucket | None:
        database, policy = form.get("db", ""), self.parameters.get("rp", "")
        bucket = find_bucket(self.engine, f"{database}/{policy}") if database and policy else None
        return bucket or (find_bucket(self.engine, database) if database else None)

    def _reply_without_buckets(self, influxql: str, database: str) -> None:
        """Reply as if there were no bucket, which is all that a token without read permission sees."""
        if self.headers.get("Accept") == "application/csv":
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/csv")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        result: dict[str, object] = {"statement_id": 0, "error": f"database not found: {database}"}
        if _SHOW_DATABASES.match(influxql):
            result = {"statement_id": 0, "series": [{"name": "databases", "columns": ["name"]}]}
        self.reply(HTTPStatus.OK, {"results": [result]})

    def _forward(self, reply: HTTPResponse) -> None:
        self.send_response(reply.status)
        media_type = reply.headers.get("Content-Type", "application/json")
        self.send_header("Content-Type", "application/csv" if media_type == "text/csv" else media_type)
        if "Content-Encoding" in reply.headers:
            self.send_header("Content-Encoding", reply.headers["Content-Encoding"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := reply.read1(_PIECE_BYTES):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _write(self) -> None:
        """Check in the order of 2.7: token, precision, target, permission, body."""
        authorization = self.authorize()
        precision = self.parameters.get("precision") or "ns"
        if precision not in ENGINE_PRECISIONS:
            raise ApiError(HTTPStatus.BAD_REQUEST, "invalid precision; valid precision units are ns, us, ms, and s")
        name = self.parameters.get("bucket")
        if not name:
            raise ApiError(HTTPStatus.NOT_FOUND, "bucket not found")
        self.check_org()
        bucket = self.bucket(name)
        if not allows(authorization, "write", "buckets", bucket.id):
            inactive = "" if authorization["status"] == "active" else ": token is inactive"
            raise ApiError(HTTPStatus.FORBIDDEN, f"insufficient permissions for write{inactive}")
        body = self._read_lines()
        check_lines(self.engine, bucket, body, precision)
        write_lines(self.engine, bucket, body, precision)
        self.reply(HTTPStatus.NO_CONTENT)

    def _read_lines(self) -> bytes:
        body = self.read_body()
        if self.headers.get("Content-Encoding") in ("gzip", "x-gzip"):
            body = gzip_body.decompress(body)
        if 0 < self.settings.max_body_bytes < len(body):
            raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "unable to read data: points batch is too large")
        return body


def main() -> None:
    """Serve until killed. The only argument is Settings as JSON."""
    GatewayServer(Settings(**json.loads(sys.argv[1]))).serve_forever()


if __name__ == "__main__":
    main()
