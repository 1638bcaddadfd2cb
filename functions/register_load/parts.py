"""Rows of one part of a file that rows of a later part repeat or contradict (state CompareParts).

InfluxDB keeps one value for each field of a point, and chunks are written in any order. So the parts of a file are
compared before the first write (`part_comparison`). `compare_parts` stores the rows of each part that lose their place;
ConvertAgain converts these parts again without them, so that everything that is stored about a part (chunks, footprint,
calendar, quarantine, counts) is as if the part had never had these rows. Then RegisterLoad takes the chunks of both
conversions, and checks the limits on the whole file (`join_chunks`). A file of one part is not compared. An execution
that began with an earlier release has no CompareParts, so RegisterLoad compares the parts (`_check_uncompared`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.register_load.footprint_cache import FootprintCache
from functions.register_load.lines import Lines
from functions.register_load.part_comparison import find_losing_rows
from functions.register_load.progress import Progress
from functions.register_load.staging import Rows, Staging
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS
from shared.errors import CollidingRecordsError, OutdatedExecutionError
from shared.events import Chunk, ChunksToWrite, LoadState, PlannedFile
from shared.footprints import Footprint, PointRange
from shared.load_limits import check_set_aside, collision_limit, set_aside_limit
from shared.load_totals import Outcomes
from shared.losing_rows import put_losing_rows
from shared.outcomes import read_outcomes
from shared.settings import ConversionSettings, conversion_settings
from shared.stored import COLLISION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class StagedParts:
    """The parts of one execution's file, as ConvertAndChunk staged them."""

    def __init__(self, client: "S3Client", load: LoadState) -> None:
        file, execution = load["file"], load["execution"]["name"]
        self._staging = Staging(client, file, execution)
        self._footprints = FootprintCache(client)
        self._load = (file["dataset"], file["load_id"], execution)
        self._chunks = load["converted"]["chunks"]

    def footprint(self, part: int, within: PointRange | None = None) -> Footprint:
        """Return the footprint of a part, or only what may be in a range."""
        return self._footprints.part(*self._load, part, within)

    def lines(self, part: int) -> Iterator[tuple[Lines, Rows]]:
        """Yield the lines of each chunk of a part, and their source rows."""
        return self._staging.read_lines(chunk for chunk in self._chunks if part_of(chunk) == part)


def part_of(chunk: Chunk) -> int:
    """Return the part of a chunk.

    >>> part_of({"chunk": "0002-0007-distinct", "sha256": "", "points": 9})
    2
    """
    return int(chunk["chunk"].partition("-")[0])


def compare_parts(client: "S3Client", load: LoadState, progress: Progress) -> ChunksToWrite:
    """Find and store the rows of each part that lose their place.

    Returns:
        The parts that have such rows, and the chunks of the others.

    Raises:
        UnfinishedError: The time is over. The next call continues with the next part.
    """
    file, execution = load["file"], load["execution"]["name"]
    staged, names, findings = StagedParts(client, load), DATASETS[file["dataset"]].field_names, progress.findings
    last, losing = len(file["parts"]) - 1, findings["losing"]
    for part in range(findings["next_part"], last):
        rows = find_losing_rows(staged, part, last, names)
        if rows.any:
            put_losing_rows(client, file["load_id"], execution, part, rows)
            losing.append(part)
        findings["next_part"] = part + 1
        progress.stop_if_late()
    chunks = [chunk for chunk in load["converted"]["chunks"] if part_of(chunk) not in losing]
    return {"chunks": chunks, "losing": [part for part in file["parts"] if part["part"] in losing]}


def join_chunks(client: "S3Client", load: LoadState, progress: Progress) -> list[Chunk]:
    """Return the chunks of all parts, and check the limits on the whole file again if parts were converted again.

    Raises:
        CollidingRecordsError: More rows collide than MAX_COLLISION_RATE allows.
        InvalidRecordsError: More rows are set aside than MAX_SET_ASIDE_RATE, or the dataset, allows.
        OutdatedExecutionError: The execution began with an earlier release, and rows lose their place.
    """
    file, converted = load["file"], load["converted"]
    if "losing" not in converted and any("file_parts" in part for part in file["parts"][1:]):
        _check_uncompared(client, load, progress)
    if "again" not in converted:
        return converted["chunks"]
    outcomes = read_outcomes(client, file["load_id"], load["execution"]["name"])
    check_collisions(outcomes, file, conversion_settings())
    return sorted((*converted["chunks"], *converted["again"]["chunks"]), key=lambda chunk: chunk["chunk"])


def _check_uncompared(client: "S3Client", load: LoadState, progress: Progress) -> None:
    """Raise OutdatedExecutionError if rows lose their place: these states cannot convert the parts without them."""
    if losing := compare_parts(client, load, progress)["losing"]:
        raise OutdatedExecutionError(
            f"later rows of the file repeat or contradict rows of {len(losing)} of its parts, and the execution began "
            "before the loader was updated, so it cannot leave them out: load the file again; none of it is written yet"
        )


def check_collisions(outcomes: Outcomes, file: PlannedFile, settings: ConversionSettings) -> None:
    """Check the limits on collisions, and on all rows that are set aside, for the whole file.

    Raises:
        CollidingRecordsError: More rows collide than MAX_COLLISION_RATE allows.
        InvalidRecordsError: More rows are set aside than MAX_SET_ASIDE_RATE, or the dataset, allows.
    """
    dataset, colliding = dataset_of(file["key"]), outcomes.set_aside.get(COLLISION, 0)
    rate = collision_limit(dataset, settings.max_collision_rate)
    if colliding > rate * file["rows"]:
        raise CollidingRecordsError(
            f"{colliding} of {file['rows']} rows have the series and time of a later row but another value of a field "
            f"(MAX_COLLISION_RATE, or that of the dataset, is {rate}): declare a column that distinguishes them as a "
            "tag, or remove the rows that repeat a series and time; the quarantine lists them"
        )
    check_set_aside(outcomes, file["rows"], set_aside_limit(dataset, settings.max_set_aside_rate))
