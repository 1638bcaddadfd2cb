"""The totals of a load: sums over the outcomes of its parts and chunks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.accounts import Accounts, chunk_accounts, total
from shared.stored import ChunkOutcome, PartOutcome, SetAsideReason, Verdict


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of the converted parts, and of the chunks that were sent or tried.

    `chunks_again` are those of chunks whose points were stored before, and written again after an older load.
    """

    parts: list[PartOutcome] = field(default_factory=list)
    chunks: list[ChunkOutcome] = field(default_factory=list)
    chunks_again: list[ChunkOutcome] = field(default_factory=list)

    @property
    def points(self) -> int:
        """The number of staged lines."""
        return sum(part["points"] for part in self.parts)

    @property
    def collapsed(self) -> int:
        """The number of rows that repeat another row exactly."""
        return sum(part["collapsed"] for part in self.parts)

    @property
    def set_aside(self) -> dict[str, int]:
        """The number of rows set aside, by rule."""
        return _sum_of(part["set_aside"] for part in self.parts)

    @property
    def reasons(self) -> list[SetAsideReason]:
        """The reasons why rows were set aside or points rejected, most frequent first, each with its first samples."""
        merged: dict[tuple[str, str], SetAsideReason] = {}
        for outcome in (*self.parts, *self.chunks, *self.chunks_again):
            for reason in outcome["reasons"]:
                same = merged.setdefault((reason["rule"], reason["reason"]), {**reason, "rows": 0})
                same["rows"] += reason["rows"]
        return sorted(merged.values(), key=lambda reason: -reason["rows"])

    @property
    def fields_left_out(self) -> dict[str, int]:
        """The number of values that are NaN or infinite, by field."""
        return _sum_of(part["fields_left_out"] for part in self.parts)

    @property
    def out_of_bounds(self) -> dict[str, int]:
        """The number of values outside their field's soft bounds, by field; they are loaded nevertheless."""
        return _sum_of(part["out_of_bounds"] for part in self.parts)

    @property
    def ignored_columns(self) -> list[str]:
        """The columns of the file that its dataset does not declare."""
        return sorted({column for part in self.parts for column in part["ignored_columns"]})

    @property
    def unreadable_columns(self) -> list[str]:
        """The ignored columns that Arrow cannot read, so that the quarantine lacks them."""
        return sorted({column for part in self.parts for column in part.get("unreadable_columns", [])})

    @property
    def collision_columns(self) -> list[str]:
        """The ignored columns that would distinguish the colliding rows, in every part that has such rows."""
        sets = [set(part["collision_columns"]) for part in self.parts if part["set_aside"].get("collision")]
        return sorted(set.intersection(*sets)) if sets else []

    @property
    def series(self) -> int:
        """The sum of the parts' series: a series that occurs in two parts counts twice."""
        return sum(part["series"] for part in self.parts)

    @property
    def body_bytes(self) -> int:
        """The size of the uncompressed line protocol in bytes."""
        return sum(part["body_bytes"] for part in self.parts)

    @property
    def span(self) -> tuple[int, int] | None:
        """The first and the last time of the points in ns since 1970; None without points."""
        profiles = [part["profile"] for part in self.parts if part["profile"]]
        if not profiles:
            return None
        return min(profile["first_ns"] for profile in profiles), max(profile["last_ns"] for profile in profiles)

    @cached_property
    def accounts(self) -> Accounts:
        """The number of points by fate. Chunks without an outcome were not started, so nothing of them was sent.

        Chunks that were written again, after an older load, contain only points that are counted as stored. Those that
        InfluxDB then did not acknowledge count as rejected or unknown instead: the older load's values may stand.
        """
        started = {chunk["chunk"] for chunk in self.chunks}
        planned = (chunk for part in self.parts for chunk in part["chunks"])
        not_sent = sum(chunk["points"] for chunk in planned if chunk["chunk"] not in started)
        accounts = total(map(chunk_accounts, self.chunks)).plus(Accounts(superseded=self.superseded, not_sent=not_sent))
        again = total(map(chunk_accounts, self.chunks_again))
        lost = Accounts(rejected=again.rejected, unknown=again.unknown)
        return accounts.plus(lost._replace(stored=-lost.points))

    @property
    def superseded(self) -> int:
        """The number of points that were left out, since a newer revision has values for all of their fields."""
        return sum(part.get("superseded", 0) for part in self.parts)

    @property
    def points_written(self) -> int:
        """The number of points that InfluxDB acknowledged."""
        return self.accounts.stored

    @property
    def points_rejected(self) -> int:
        """The number of points that InfluxDB rejected."""
        return self.accounts.rejected

    @property
    def verdict(self) -> Verdict:
        """The verdict on a load that ended well. Rows that are repeated or superseded are not a loss."""
        in_place = self.accounts.stored + self.superseded
        return "partly loaded" if self.set_aside or in_place < self.points else "loaded"

    @property
    def batches_planned(self) -> int:
        """The number of staged batches, without those that were left out."""
        return sum(part["batches"] - part.get("superseded_batches", 0) for part in self.parts)

    @property
    def chunks_planned(self) -> int:
        """The number of staged chunks."""
        return sum(len(part["chunks"]) for part in self.parts)

    @property
    def batches_processed(self) -> int:
        """The number of finished batches, whatever number of requests they took."""
        return sum(len(chunk["written"]) for chunk in self.chunks)

    @property
    def failed_batches(self) -> int:
        """The number of batches with a point that is not stored, or may not be."""
        complete = (
            batch
            for chunk in self.chunks
            for batch in chunk["written"]
            if not (chunk["refused"].get(batch) or chunk.get("unknown", {}).get(batch))
        )
        return self.batches_planned - sum(1 for _ in complete)

    @property
    def success_rate(self) -> float:
        """The share of the planned batches of which every point is stored, from 0 to 1."""
        return 1.0 - self.failed_batches / self.batches_planned if self.batches_planned else 1.0

    @property
    def unwritten_chunks(self) -> list[str]:
        """The names of the staged chunks that were not sent completely."""
        outcomes = (*self.chunks, *self.chunks_again)
        sent = {chunk["chunk"] for chunk in outcomes if 0 < chunk["batches"] == len(chunk["written"])}
        planned = [chunk["chunk"] for part in self.parts for chunk in part["chunks"]]
        again = [chunk["chunk"] for chunk in self.chunks_again]
        return sorted(name for name in (*planned, *again) if name not in sent)


def _sum_of(counts: Iterable[dict[str, Any]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
