"""The upper bound for one core: convert_limit.cpp, compiled and run on the same rows as the other contestants."""

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
    """Return the version of g++, or None if it is not installed."""
    if not shutil.which("g++"):
        return None
    return subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


@contextmanager
def cpp_limit(batches: Sequence[pa.RecordBatch], folder: Path) -> Iterator[Callable[[], float]]:
    """Yield a function that runs the C++ conversion once and returns its seconds, without input and output."""
    program, data = folder / "convert_limit", folder / "columns"
    subprocess.run(["g++", "-O3", "-march=native", "-std=c++17", "-o", program, SOURCE], check=True)
    records = _write(batches, data)
    command = [str(program), str(data), str(records.rows), str(len(records.fields))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin  # noqa: S101 -- both are pipes
        assert process.stdout  # noqa: S101
        stdin, stdout = process.stdin, process.stdout

        def run() -> float:
            print(file=stdin, flush=True)
            return int(stdout.readline().split()[0]) / 1e9

        yield run
        stdin.close()


def _write(batches: Sequence[pa.RecordBatch], file: Path) -> Records:
    """Write the columns as the C++ program reads them: times, fields, tag set numbers and rendered tag sets.

    The tag sets are rendered here, outside the measured time, which favors the C++ program.
    """
    dataset = DATASETS["generation"]
    columns = plan_columns(batches[0].schema, dataset, validate=True)
    records = Records(dataset, columns, sum(batch.num_rows for batch in batches), validate=True)
    for batch in batches:
        records.append(batch)
    records.settle_series()
    with file.open("wb") as out:
        out.write(records.time.tobytes())
        for column in records.fields.values():
            out.write(column.tobytes())
        out.write(records.series.tobytes())
        out.write("\n".join(records.tag_sets.prefixes.to_pylist()).encode())
    return records
