"""The fate of the points that a replaced load planned to write: which of them are certainly stored.

A load counts its points by fate in its report. If InfluxDB acknowledged all of them, all are stored. The quarantine has
the lines that InfluxDB rejected, or may have. Which points were not sent, or not acknowledged, is not recorded for as
long as the footprint, so if there are any, each point of the load is uncertain.

Superseded points count as stored: the newer load that has them wrote them.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from shared.footprints import Footprint, PointBlock
from shared.ledger import LedgerItem
from shared.responses import LoadReport
from shared.stale.plans import Plan
from shared.stored import RejectedPoint
from shared.work_bucket import points_quarantine_prefix, report_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Certainty = Literal["stored", "uncertain", "not stored"]


class Fate(NamedTuple):
    """The fate of the points of one execution.

    Attributes:
        certainty: That of each point except those in `rejected`.
        rejected: The points that InfluxDB rejected or may have; None if there are none, or it is not known which.
        ended_at: When the load ended (ISO 8601, UTC); "" if it has no report.
        bucket_id: The id of the InfluxDB bucket, or "".
    """

    certainty: Certainty
    rejected: Footprint | None = None
    ended_at: str = ""
    bucket_id: str = ""


UNKNOWN = Fate("uncertain")


class Counts(NamedTuple):
    """The number of points by fate; superseded ones are stored, by another load."""

    stored: int
    rejected: int
    not_sent: int
    unknown: int


class Fates:
    """The reports and the quarantine in a work bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, plan: Plan, item: LedgerItem) -> Fate:
        """Return the fate of the points of a plan. The item of its version helps if its report has expired."""
        with suppress(self._client.exceptions.NoSuchKey):
            content = self._get(report_key(plan.dataset, plan.load_id, plan.execution, "json"))
            return self._judge(plan, *_of_report(json.loads(content)))
        if item["execution"].rpartition(":")[2] == plan.execution and item["status"] in ("loaded", "undone"):
            ended_at = item.get("load_ended_at", item["changed_at"])
            return self._judge(plan, _of_item(item), ended_at, item.get("bucket_id", ""))
        return UNKNOWN

    def rejected(self, plan: Plan) -> Footprint:
        """Return the points of a plan that InfluxDB rejected, or may have, as far as the quarantine still has them."""
        return footprint_of_lines(each["line"] for each in self._rejected(plan))

    def _judge(self, plan: Plan, counts: Counts, ended_at: str, bucket_id: str) -> Fate:
        if counts.not_sent:
            nothing = not (counts.stored or counts.unknown)
            return Fate("not stored" if nothing else "uncertain", None, ended_at, bucket_id)
        if not (counts.rejected or counts.unknown):
            return Fate("stored", None, ended_at, bucket_id)
        lines = [each["line"] for each in self._rejected(plan)]
        if len(lines) != counts.rejected + counts.unknown:
            return Fate("uncertain", None, ended_at, bucket_id)
        return Fate("stored", footprint_of_lines(lines), ended_at, bucket_id)

    def _rejected(self, plan: Plan) -> Iterator[RejectedPoint]:
        prefix = points_quarantine_prefix(plan.dataset, plan.load_id, plan.execution)
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                yield from map(json.loads, gzip.decompress(self._get(item["Key"])).splitlines())

    def _get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()


def _of_report(report: LoadReport) -> tuple[Counts, str, str]:
    """Return the counts of a report, the end of the load, and the id of its bucket. Former releases counted less."""
    data = report["response"]["data"]
    points: Mapping[str, int] = data.get("points") or {"unknown": 1}  # type: ignore[assignment]
    stored = points.get("stored", 0) + points.get("superseded", 0)
    counts = Counts(stored, points.get("rejected", 0), points.get("not_sent", 0), points.get("unknown", 0))
    health = data.get("influxdb_health")
    bucket_id = health.get("bucket_id", "") if health else ""
    return counts, f"{report['response']['timestamp']}Z", bucket_id


def _of_item(item: LedgerItem) -> Counts:
    stored = int(item.get("points_written", 0)) + int(item.get("points_superseded", 0))
    rejected, not_sent = int(item.get("points_rejected", 0)), int(item.get("points_not_sent", 0))
    return Counts(stored, rejected, not_sent, int(item.get("points_unknown", 0)))


def footprint_of_lines(lines: Iterable[str]) -> Footprint:
    r"""Return the points of some lines of line protocol, sorted. Each is parsed by itself: rejected lines are few.

    >>> footprint = footprint_of_lines(["m,t=b x=1 8", r"m,t=a\ b y=2,x=1 7"])
    >>> footprint.series, footprint.names, [column.tolist() for column in footprint.points]
    (['m,t=a\\ b', 'm,t=b'], ('x', 'y'), [[0, 1], [7, 8], [3, 1]])
    """
    parsed = [re.split(r"(?<!\\) ", line) for line in lines]
    fields = [[_field_name(each) for each in re.split(r"(?<!\\),", values)] for _, values, _ in parsed]
    names = tuple(sorted({name for each in fields for name in each}))
    masks = np.array([sum(1 << names.index(name) for name in set(each)) for each in fields], np.uint64)
    time = np.array([int(time) for _, _, time in parsed], np.int64)
    series = sorted({name for name, _, _ in parsed})
    position = {name: number for number, name in enumerate(series)}
    numbers = np.array([position[name] for name, _, _ in parsed], np.int32)
    order = np.lexsort((time, numbers))
    return Footprint(series, names, PointBlock(numbers[order], time[order], masks[order]))


def _field_name(assignment: str) -> str:
    name = re.split(r"(?<!\\)=", assignment)[0]
    return re.sub(r"\\([,= ])", r"\1", name)
