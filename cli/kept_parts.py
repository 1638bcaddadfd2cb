"""The parts of a file that is converted on this machine, compared with each other as a load compares them.

`KeptParts` keeps in a folder what CompareParts reads from the work bucket: the chunks and the footprint of each part.
So memory does not grow with the file.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from functions.register_load.lines import Lines, parse_lines
from functions.register_load.part_comparison import find_losing_rows
from functions.register_load.staging import Rows, source_rows
from shared.datasets import Dataset
from shared.footprints import Footprint, PointRange, read_footprint
from shared.losing_rows import LosingRows
from shared.packed_batches import StagedChunk
from shared.stored import PartOutcome

if TYPE_CHECKING:
    from functions.convert_and_chunk.staging import Staging


class KeptParts:
    """The parts of a file, each of which is converted to the staging area that `staging` returns."""

    def __init__(self, folder: Path, dataset: Dataset, parts: int) -> None:
        self._folder, self._names = folder, dataset.field_names
        self._last = parts - 1

    def staging(self, part: int, target: "Staging") -> "Staging":
        """Return the staging area of a part, which passes everything on to another one."""
        folder = self._folder / f"{part:04}"
        folder.mkdir()
        return _KeptPart(folder, target)

    def losing_rows(self, part: int) -> LosingRows:
        """Return the rows of a part that lose their place to later parts."""
        return find_losing_rows(self, part, self._last, self._names)

    def footprint(self, part: int, within: PointRange | None = None) -> Footprint:
        """Return the footprint of a part, or only what may be in a range."""
        return read_footprint((self._folder / f"{part:04}" / "footprint").read_bytes(), within)

    def lines(self, part: int) -> Iterator[tuple[Lines, Rows]]:
        """Yield the lines of each chunk of a part, and their source rows."""
        for path in sorted((self._folder / f"{part:04}").glob("*.gz")):
            manifest = json.loads(path.with_suffix(".json").read_text(encoding="ascii"))
            yield parse_lines(gzip.decompress(path.read_bytes()), self._names), source_rows(manifest)


class _KeptPart(NamedTuple):
    """The staging area of one part: a folder, and another staging area."""

    folder: Path
    target: "Staging"

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        (self.folder / f"{chunk}.gz").write_bytes(staged.body)
        (self.folder / f"{chunk}.json").write_text(json.dumps(staged.manifest), encoding="ascii")
        self.target.put_chunk(chunk, staged)

    def put_set_aside(self, parquet: bytes) -> None:
        self.target.put_set_aside(parquet)

    def put_series(self, keys: pa.Array) -> None:
        self.target.put_series(keys)

    def put_footprint(self, parquet: bytes) -> None:
        (self.folder / "footprint").write_bytes(parquet)
        self.target.put_footprint(parquet)

    def put_outcome(self, outcome: PartOutcome) -> None:
        self.target.put_outcome(outcome)
