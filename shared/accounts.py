"""The accounts of a load: the fate of each converted point, also of a load that ended early.

`chunk_accounts` reads the outcome of one chunk. `load_totals.Outcomes.accounts` adds the points of chunks that have no
outcome, since WriteBatch did not start them.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from shared.stored import ChunkOutcome


class Accounts(NamedTuple):
    """The number of points by fate.

    Attributes:
        stored: InfluxDB acknowledged them.
        rejected: InfluxDB did not accept them.
        superseded: They were left out, since a newer revision has values for all of their fields.
        not_sent: No request contained them.
        unknown: They were sent, but InfluxDB did not acknowledge them, so they may be stored.
    """

    stored: int = 0
    rejected: int = 0
    superseded: int = 0
    not_sent: int = 0
    unknown: int = 0

    @property
    def points(self) -> int:
        """The number of all points."""
        return sum(self)

    def plus(self, other: "Accounts") -> "Accounts":
        """Return the sums.

        >>> Accounts(stored=2, rejected=1).plus(Accounts(stored=5, unknown=3))
        Accounts(stored=7, rejected=1, superseded=0, not_sent=0, unknown=3)
        """
        return Accounts(*(one + another for one, another in zip(self, other, strict=True)))


def total(accounts: Iterable[Accounts]) -> Accounts:
    """Return the sum of all accounts."""
    result = Accounts()
    for each in accounts:
        result = result.plus(each)
    return result


def chunk_accounts(chunk: ChunkOutcome) -> Accounts:
    """Return the accounts of a chunk that WriteBatch started.

    While an invocation is running, or if it was killed, any point that is not settled may have been sent.
    """
    finished = Accounts(
        stored=sum(chunk["written"].values()),
        rejected=sum(points for batch, points in chunk["refused"].items() if batch in chunk["written"]),
        unknown=sum(chunk.get("unknown", {}).values()),
    )
    if "unfinished" not in chunk:  # an earlier release counted finished batches only
        return finished._replace(unknown=chunk["points"] - finished.points)
    fates: Counter[str] = Counter()
    for runs in chunk["unfinished"].values():
        for fate, lines in runs:
            fates[fate] += lines
    fates["not_sent"] += chunk["not_started"]
    if chunk["running"]:
        return finished.plus(Accounts(stored=fates["stored"], unknown=fates.total() - fates["stored"]))
    return finished.plus(Accounts(**fates))
