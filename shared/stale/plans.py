"""The plans of loads: which objects of the work bucket are the footprint of which execution."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from shared.calendars import decode
from shared.footprints import Footprint, PointRange, count_lines, read_footprint
from shared.times import utc_ns
from shared.work_bucket import footprint_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class IncompleteFootprintError(Exception):
    """A footprint has fewer lines than the ledger counts, or more: parts are missing, or are those of another load."""

    def __init__(self, plan: "Plan") -> None:
        super().__init__(plan.source)
        self.plan = plan


class Plan(NamedTuple):
    """What one execution planned to write.

    Attributes:
        dataset: The name of the dataset.
        load_id: The load ID, which all executions for one version of an object share.
        execution: The name of the execution.
        keys: The objects with the footprints of its parts.
        first_time: Its first time in ISO 8601 with nanoseconds; "" if it is not known without reading the footprint.
        last_time: Its last time; "" as above.
        source: The object that it loaded; "" if it is not known.
        calendar: Its points by day, as the ledger has them (`shared/calendars.py`); "" if it does not.
    """

    dataset: str
    load_id: str
    execution: str
    keys: tuple[str, ...]
    first_time: str = ""
    last_time: str = ""
    source: str = ""
    calendar: str = ""

    @property
    def prefix(self) -> str:
        """How the keys begin, as the ledger names a footprint."""
        return footprint_prefix(self.dataset, self.load_id, self.execution)

    @property
    def is_gapless(self) -> bool:
        """Whether no part is missing before the last one."""
        return PurePosixPath(max(self.keys)).stem == f"{len(self.keys) - 1:04}"

    def is_complete(self, lines: int) -> bool:
        """Return whether its parts, which have this many lines, have all lines that the ledger counts."""
        return not self.calendar or lines == sum(day.points for day in decode(json.loads(self.calendar)).values())

    def may_meet(self, points: PointRange) -> bool:
        """Return whether it can have points at the times of a range."""
        if not (self.first_time and self.last_time):
            return True
        return self.first_time <= utc_ns(points.last_ns) and utc_ns(points.first_ns) <= self.last_time


class Footprints:
    """The footprints in a work bucket. Nothing is kept in memory."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def list(self, dataset: str, load_id: str = "") -> Iterator[Plan]:
        """Yield the plans of all executions that loaded files of a dataset, or only one version of a file."""
        prefix = f"footprints/{dataset}/{load_id}/" if load_id else f"footprints/{dataset}/"
        execution, keys = ("", ""), list[str]()
        for key in self._keys(prefix):
            _, _, *names, _ = key.split("/")
            if (names[0], names[1]) != execution and keys:
                yield Plan(dataset, *execution, tuple(keys))
                keys = []
            execution = (names[0], names[1])
            keys.append(key)
        if keys:
            yield Plan(dataset, *execution, tuple(keys))

    def read(self, plan: Plan, within: PointRange | None = None) -> Iterator[Footprint]:
        """Yield the parts of a plan that have a point, or may have one in a range.

        Raises:
            IncompleteFootprintError: After the last part, if a part is missing, which may have any point.
        """
        if within and not plan.may_meet(within):
            return
        lines = 0
        for key in plan.keys:
            content = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            lines += count_lines(content)
            if (part := read_footprint(content, within)).series:
                yield part
        if not plan.is_complete(lines):
            raise IncompleteFootprintError(plan)

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []))
