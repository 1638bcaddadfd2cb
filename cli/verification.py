"""The verification of one load: what it sent, compared with what InfluxDB stores.

`Verifier.verify` chooses the windows of time, reads the parts of the load that have points in them, and compares.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cli.comparison import MAX_QUERIES, Window, compare, width_for
from cli.deployed.reports import Report
from cli.deployed.sent_lines import sent_lines
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, QueryError
from cli.sent_points import SentPoints
from cli.stored_points import StoredPoints
from shared.datasets import DATASETS
from shared.errors import LoaderError
from shared.events import FileRef
from shared.influx import Influx
from shared.load_totals import Outcomes
from shared.settings import influx_settings
from shared.stored import PartOutcome

Track = Callable[[str, int], Callable[[int], None]]
"""A function that starts a progress bar with a description and a total, and returns the function that advances it."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The comparison of a load: of all its windows, or of a sample of them. `windows_total` counts all.

    `superseded` says which points were left out if all of them were, so that there is nothing to compare; "" otherwise.
    """

    windows: list[Window]
    windows_total: int
    superseded: str = ""

    @property
    def differing(self) -> list[Window]:
        """The windows that differ."""
        return [window for window in self.windows if not window.equal]


class Verifier:
    """Verifies loads of one deployment; all share one connection to InfluxDB."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        try:
            self._settings = influx_settings(deployment.delivery_environment())
            self._influx = Influx(self._settings, connections=MAX_QUERIES)
        except LoaderError as error:
            raise QueryError(f"cannot read points back: {error}") from error

    def verify(self, report: Report, sample: int | None, track: Track) -> Verification:
        """Compare a load.

        Args:
            report: The report of the load.
            sample: The number of windows to compare, which are chosen at random; None compares all.
            track: Starts a progress bar.

        Raises:
            NotFoundError: The load sent no points, or InfluxDB rejected all of them.
            QueryError: InfluxDB answered a query with an error, so it is unknown what it stores.
            RefusedError: What was sent has expired, and cannot be restored.
        """
        file, outcomes = report.file, report.outcomes
        if file is None or outcomes.span is None:
            raise NotFoundError("this load sent no points, so there is nothing to verify")
        bin_ns = max(part["profile"]["bucket_ns"] for part in outcomes.parts if part["profile"])
        width_ns = width_for(*outcomes.span, bin_ns)
        windows = sorted(set().union(*(_windows(part, width_ns) for part in outcomes.parts)))
        chosen = frozenset(windows if sample is None else random.sample(windows, min(sample, len(windows))))
        parts = [part for part in outcomes.parts if chosen & _windows(part, width_ns)]
        with tempfile.TemporaryDirectory(prefix="loader-verify-") as folder:
            sent = SentPoints(DATASETS[file["dataset"]].field_names, Path(folder) / "points", width_ns, chosen)
            sent.add(self._chunks(report, file, parts, track))
            if not sent.lines:
                return _nothing_sent(outcomes, "this load" if sample is None else "the sampled windows")
            compared = self._compare(sent, file, track)
            return Verification(windows=compared, windows_total=len(compared if sample is None else windows))

    def _chunks(
        self, report: Report, file: FileRef, parts: Sequence[PartOutcome], track: Track
    ) -> Iterator[pa.StringArray]:
        advance = track("reading what was sent", sum(len(part["chunks"]) for part in parts))
        for lines in sent_lines(self._deployment, report, file, parts):
            yield lines
            advance(1)

    def _compare(self, sent: SentPoints, file: FileRef, track: Track) -> list[Window]:
        dataset = DATASETS[file["dataset"]]
        stored = StoredPoints(self._influx, dataset.influxdb_bucket or self._settings.bucket, dataset, sent.table)
        return compare(sent, stored, track("querying InfluxDB", sent.lines))


def _nothing_sent(outcomes: Outcomes, subject: str) -> Verification:
    """Return the verification of a load that left out all of these points because newer files have values for them.

    Raises:
        NotFoundError: InfluxDB rejected them.
    """
    accounts = outcomes.accounts
    if accounts.superseded and accounts.stored + accounts.superseded == accounts.points:
        return Verification(windows=[], windows_total=0, superseded=f"all points of {subject}")
    raise NotFoundError(f"InfluxDB rejected every point of {subject}, so there is nothing to verify")


def _windows(part: PartOutcome, width_ns: int) -> frozenset[int]:
    """Return the windows in which a part has points: its profile has a bin for each time with a value."""
    profile = part["profile"]
    if profile is None:
        return frozenset()
    numbers = {number for bins in profile["fields"].values() for number, *_ in bins}
    return frozenset(number * profile["bucket_ns"] // width_ns for number in numbers)
