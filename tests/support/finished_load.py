"""A load that has ended, as its functions leave it in the work bucket: staged chunks, quarantine, report and page.

Every state of the load is its real handler, in this process; only the waiting of Step Functions is missing.
"""

import gzip
import json
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from functions.convert_and_chunk.handler import lambda_handler as convert_and_chunk
from functions.report_load.handler import lambda_handler as report_load
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin
from functions.write_batch.handler import lambda_handler as write_batch
from shared.outages import NO_OUTAGE
from shared.requested_object import RequestedObject
from shared.source import PinnedObject
from tests.functional.conftest import SOURCE
from tests.support.builders import parquet
from tests.support.scripted_influx import Reply, Request

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RUN = {"started_at": "2024-01-01T00:00:00.000+00:00", "ended_at": "2024-01-01T00:00:01.000+00:00"}
HEALTH = {"status": "healthy", "response_time_ms": 1.5, "version": "v2.7", "bucket": "found", "ran": RUN}


def load_file(s3: "S3Client", context: SimpleNamespace, key: str, table: pa.Table, execution: str = "run-1") -> Any:
    """Put the file and load it; the data of the response."""
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(table))
    source_file, last_modified = pin(s3, RequestedObject(bucket=SOURCE, key=key), "")
    with PinnedObject(s3, source_file) as source:
        file: Any = plan_file(source, source_file, validate=True, last_modified=int(last_modified.timestamp()))
    for part in file["parts"]:
        converted = convert_and_chunk({"execution": execution, "file": source_file, "part": part}, context)  # type: ignore[arg-type]
        for chunk in converted["chunks"]:
            about = {name: source_file[name] for name in ("load_id", "bucket", "key", "dataset")}
            ref: Any = {**chunk, **about, "execution": execution, "outage": NO_OUTAGE}
            assert write_batch(ref, context)["written"]  # type: ignore[arg-type]
    state = {
        "event": {"bucket": SOURCE, "key": key},
        "execution": {"id": f"arn:{execution}", "name": execution, "start_time": RUN["started_at"]},
        "health": HEALTH,
        "file": file | {"skipped": "", "not_before": "", "ran": {"PinSource": RUN, "ValidateSchema": RUN}},
    }
    return json.loads(json.dumps(report_load(state, context)))["data"]  # type: ignore[arg-type]


def as_reply(request: Request, rows: list[list[Any]]) -> Reply:
    """Rows, of which the first is the header, in the format that the request asks for."""
    header, *values = rows
    if request.headers["Accept"] == "application/csv":
        lines = [["name", "tags", *header], *(["m", "", *row] for row in values)]
        text = "".join(",".join("" if cell is None else str(cell) for cell in line) + "\n" for line in lines)
        return Reply(200, text if values else "", {"Content-Type": "application/csv"})
    return Reply(200, {"results": [{"series": [{"columns": header, "values": values}]} if values else {}]})


@dataclass
class StoringInflux:
    """For `ScriptedInflux.fallback`: stores the points that are written, rejects some, and answers queries for a time.

    `points` maps series and time (ns) to field values.
    """

    points: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    rejected: str = "no such text"
    queries: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path == "/query":
            self.queries.append(request.query["q"])
            return as_reply(request, self._query(request.query["q"]))
        lines = gzip.decompress(request.body).decode().splitlines()
        bad = [line for line in lines if self.rejected in line]
        if bad and len(lines) > 1:
            return Reply(400, {"code": "invalid", "message": "partial write"})
        if bad:
            return Reply(400, {"code": "invalid", "message": "unable to parse"})
        for line in lines:
            series, fields, time = line.rsplit(" ", 2)
            values = dict(pair.split("=") for pair in fields.split(","))
            stored = self.points.setdefault((series, int(time)), {})
            stored |= {name: float(value) for name, value in values.items()}
        return Reply(204)

    def _query(self, query: str) -> list[list[Any]]:
        """The header and the rows that the query asks for, in order of time: time, fields, tags."""
        first, last = (int(number) for number in re.findall(r"time (?:>=|<=) (-?\d+)", query))
        fields = re.findall(r'"(\w+)"', query.split("FROM", maxsplit=1)[0])
        choices: dict[str, set[str]] = {}
        for tag, value in re.findall(r"\"(\w+)\" = '([^']*)'", query):
            choices.setdefault(tag, set()).add(value)
        selected = []
        for (name, time), values in self.points.items():
            tags = dict(pair.split("=") for pair in name.split(",")[1:])
            if first <= time <= last and all(tags.get(tag, "") in options for tag, options in choices.items()):
                selected.append((time, [values.get(field) for field in fields], tags))
        names = sorted({tag for *_, tags in selected for tag in tags})
        rows = [
            [time, *values, *(tags.get(name) for name in names)] for time, values, tags in sorted(selected, key=str)
        ]
        limit = re.search(r"LIMIT (\d+)", query)
        return [["time", *fields, *names], *rows[: int(limit[1]) if limit else None]]
