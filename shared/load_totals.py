"""What the parts and chunks of a load left behind, read and summed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.errors import NoValidRecordsError
from shared.events import PlannedFile
from shared.stored import ChunkOutcome, PartOutcome, SetAsideReason

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Outcomes:
    """Of the parts that were converted and the chunks that were written or tried."""

    parts: list[PartOutcome] = field(default_factory=list)
    chunks: list[ChunkOutcome] = field(default_factory=list)

    @property
    def points(self) -> int:
        """Lines that were staged."""
        return sum(part["points"] for part in self.parts)

    @property
    def collapsed(self) -> int:
        """Rows that repeat another row exactly."""
        return sum(part["collapsed"] for part in self.parts)

    @property
    def set_aside(self) -> dict[str, int]:
        """Rule → rows."""
        return _sum_of(part["set_aside"] for part in self.parts)

    @property
    def reasons(self) -> list[SetAsideReason]:
        """Why rows were set aside, and points refused: the most frequent first, with the first samples there are."""
        found: dict[tuple[str, str], SetAsideReason] = {}
        for outcome in (*self.parts, *self.chunks):
            for reason in outcome["reasons"]:
                same = found.setdefault((reason["rule"], reason["reason"]), {**reason, "rows": 0})
                same["rows"] += reason["rows"]
        return sorted(found.values(), key=lambda reason: -reason["rows"])

    @property
    def fields_left_out(self) -> dict[str, int]:
        """Field → values that are NaN or infinite."""
        return _sum_of(part["fields_left_out"] for part in self.parts)

    @property
    def out_of_bounds(self) -> dict[str, int]:
        """Field → values outside its soft bounds, which are loaded all the same."""
        return _sum_of(part["out_of_bounds"] for part in self.parts)

    @property
    def ignored_columns(self) -> list[str]:
        """Columns of the file that its dataset does not have."""
        return sorted({column for part in self.parts for column in part["ignored_columns"]})

    @property
    def collision_columns(self) -> list[str]:
        """Those of them that would keep the colliding rows apart, in every part that has such rows."""
        sets = [set(part["collision_columns"]) for part in self.parts if part["set_aside"].get("collision")]
        return sorted(set.intersection(*sets)) if sets else []

    @property
    def series(self) -> int:
        """Of the parts together: a series that two parts have counts twice."""
        return sum(part["series"] for part in self.parts)

    @property
    def body_bytes(self) -> int:
        """Line protocol, unpacked."""
        return sum(part["body_bytes"] for part in self.parts)

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last time of the points in ns; None without points."""
        profiles = [part["profile"] for part in self.parts if part["profile"]]
        if not profiles:
            return None
        return min(profile["first_ns"] for profile in profiles), max(profile["last_ns"] for profile in profiles)

    @property
    def points_written(self) -> int:
        """Lines that InfluxDB took."""
        return sum(sum(chunk["written"].values()) for chunk in self.chunks)

    @property
    def points_rejected(self) -> int:
        """Lines that InfluxDB refused."""
        return sum(sum(chunk["refused"].values()) for chunk in self.chunks)

    @property
    def batches_planned(self) -> int:
        """Batches that were staged."""
        return sum(part["batches"] for part in self.parts)

    @property
    def chunks_planned(self) -> int:
        """Chunks that were staged."""
        return sum(len(part["chunks"]) for part in self.parts)

    @property
    def batches_processed(self) -> int:
        """Batches that were sent to the end, each counted once, whatever its requests."""
        return sum(len(chunk["written"]) for chunk in self.chunks)

    @property
    def failed_batches(self) -> int:
        """Batches with a refused or an unsent line."""
        refused = sum(1 for chunk in self.chunks for points in chunk["refused"].values() if points)
        return self.batches_planned - self.batches_processed + refused

    @property
    def success_rate(self) -> float:
        """Share of the planned batches that were written whole."""
        return 1.0 - self.failed_batches / self.batches_planned if self.batches_planned else 1.0

    @property
    def unwritten_chunks(self) -> list[str]:
        """Chunks that were staged and not sent to the end."""
        sent = {chunk["chunk"] for chunk in self.chunks if len(chunk["written"]) == chunk["batches"]}
        return sorted(chunk["chunk"] for part in self.parts for chunk in part["chunks"] if chunk["chunk"] not in sent)


def check_any_points(outcomes: Outcomes, file: PlannedFile) -> None:
    """A file of which nothing is left is no success. Raises NoValidRecordsError."""
    if file["rows"] and not outcomes.points:
        raise NoValidRecordsError(f"all {file['rows']} rows of s3://{file['bucket']}/{file['key']} were set aside")


def _sum_of(counts: Iterable[dict[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
