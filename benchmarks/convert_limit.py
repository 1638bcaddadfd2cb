"""What one core can do at most: the C++ program beside this module, built and fed with the same records."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from functions.convert_and_chunk.records import Records
from shared.datasets import DATASETS
from shared.schema import plan_columns

SOURCE = Path(__file__).with_suffix(".cpp")


def compiler() -> str | None:
    """Its version, or None where there is none."""
    if not shutil.which("g++"):
        return None
    return subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


@contextmanager
def cpp_limit(batches: Sequence[pa.RecordBatch], folder: Path) -> Iterator[Callable[[], float]]:
    """A function that runs the program once, and says how many seconds the conversion alone took."""
    program, data = folder / "convert_limit", folder / "columns"
    subprocess.run(["g++", "-O3", "-march=native", "-std=c++17", "-o", program, SOURCE], check=True)
    records = _write(batches, data)
    command = [str(program), str(data), str(records.rows), str(len(records.fields))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin  # noqa: S101 -- both are pipes
        assert process.stdout  # noqa: S101
        ask, answers = process.stdin, process.stdout

        def run() -> float:
            print(file=ask, flush=True)
            return int(answers.readline().split()[0]) / 1e9

        yield run
        ask.close()


def _write(batches: Sequence[pa.RecordBatch], file: Path) -> Records:
    """Times, fields, tag set numbers, tag sets: tag sets are rendered beforehand, which is in the limit's favour."""
    dataset = DATASETS["generation"]
    columns = plan_columns(batches[0].schema, dataset, validate=True)
    records = Records(dataset, columns, sum(batch.num_rows for batch in batches), validate=True)
    for batch in batches:
        records.append(batch)
    with file.open("wb") as out:
        out.write(records.time.tobytes())
        for column in records.fields.values():
            out.write(column.tobytes())
        out.write(records.series.tobytes())
        out.write("\n".join(records.tag_sets.prefixes.to_pylist()).encode())
    return records
