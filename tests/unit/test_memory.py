"""Files that attack memory: each loads within the memory of the function, or fails with a named error."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from botocore.exceptions import HTTPClientError

from functions.convert_and_chunk.memory import bounded_memory
from infra_cdk.allocators import RETURN_MEMORY
from shared.errors import RecordsTooLargeError
from tests.support.builders import dictionary_bomb, generation, page_bomb, parquet

CONVERT = """
import sys
from pathlib import Path
from functions.convert_and_chunk.memory import bounded_memory
from tests.support.conversion import convert_table
try:
    with bounded_memory():
        result = convert_table(Path(sys.argv[1]).read_bytes())
    print(len(result.lines), sorted(set(result.set_aside.values())))
except Exception as error:
    print(type(error).__name__)
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) // 1024)
"""


STAGE = """
import sys
from pathlib import Path
from functions.convert_and_chunk.memory import bounded_memory
from tests.support.conversion import stage_file
with bounded_memory():
    print(stage_file(Path(sys.argv[1]))["points"])
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) // 1024)
"""


UPLOAD = """
import resource
from pathlib import Path
from types import SimpleNamespace
from functions.convert_and_chunk.staging import WorkBucketStaging
from shared.packed_batches import StagedChunk
client = SimpleNamespace(put_object=lambda **_: print("stored"))
event = {"execution": "run-1", "file": {"load_id": "0123456789abcdef", "dataset": "generation"}, "part": {"part": 0}}
with WorkBucketStaging(client, event) as staging:
    [mapped] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")]
    resource.setrlimit(resource.RLIMIT_DATA, ((int(mapped.split()[1]) + KIB) << 10, resource.RLIM_INFINITY))
    staging.put_chunk("0000-0000", StagedChunk(b"", "", 0, 0, {"batches": []}))
"""


def convert(content: bytes, folder: Path, *, memory_mib: int, script: str = CONVERT) -> tuple[str, int]:
    """Convert the file in a process with this memory size, and return its output and its peak memory in MiB."""
    file = folder / "bomb.parquet"
    file.write_bytes(content)
    environment = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mib), **RETURN_MEMORY}
    command = [sys.executable, "-c", script, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    output, peak_mib = done.stdout.splitlines()
    return output, int(peak_mib)


def test_a_huge_text_in_every_row_is_held_once(tmp_path: Path) -> None:
    output, peak_mib = convert(dictionary_bomb("region"), tmp_path, memory_mib=512)
    assert output == "0 ['unusable_tag']"
    assert peak_mib < 512


def test_a_huge_text_that_can_only_be_read_in_full_is_an_error_with_a_name(tmp_path: Path) -> None:
    texts = pa.array(["a" * (10 << 20)] * 100, pa.large_string())
    encoding = {"use_dictionary": False, "column_encoding": {"region": "DELTA_BYTE_ARRAY"}, "write_statistics": False}
    content = parquet(generation(100, region=texts), compression="zstd", **encoding)
    assert len(content) < 10_000
    output, peak_mib = convert(content, tmp_path, memory_mib=512)
    assert output == "RecordsTooLargeError"
    assert peak_mib < 512


def test_a_huge_text_in_an_ignored_column_costs_nothing(tmp_path: Path) -> None:
    output, peak_mib = convert(dictionary_bomb("note"), tmp_path, memory_mib=512)
    assert output == "1000 []"
    assert peak_mib < 512


def test_a_page_that_does_not_fit_is_an_error_with_a_name(tmp_path: Path) -> None:
    content = page_bomb(60_000_000)
    assert len(content) < 200_000
    output, peak_mib = convert(content, tmp_path, memory_mib=512)
    assert output == "RecordsTooLargeError"
    assert peak_mib < 512


def test_memory_stays_flat_over_many_rows(tmp_path: Path) -> None:
    table = pa.concat_tables([generation(50_000)] * 20)
    output, peak_mib = convert(parquet(table), tmp_path, memory_mib=512)
    assert output == "50000 []"
    assert peak_mib < 512


def test_two_hundred_thousand_series_and_thousands_of_row_groups_fit(tmp_path: Path) -> None:
    many_series = parquet(generation(200_000, plant_name=[f"plant {row}" for row in range(200_000)]))
    many_groups = parquet(generation(20_000), row_group_size=10)
    for content, expected in ((many_series, "200000 []"), (many_groups, "20000 []")):
        output, peak_mib = convert(content, tmp_path, memory_mib=1024)
        assert output == expected
        assert peak_mib < 512


def test_long_texts_in_an_ignored_column_cost_little_if_a_row_is_set_aside(tmp_path: Path) -> None:
    notes = pc.utf8_lpad(pa.array(range(150_000)).cast(pa.string()), 1000, "x")
    regions = pa.array(["SE"] * 149_999 + [None])
    content = parquet(generation(150_000, note=notes, region=regions), compression="zstd", row_group_size=150_000)
    output, peak_mib = convert(content, tmp_path, script=STAGE, memory_mib=512)
    assert output == "149999"
    assert peak_mib < 420


@pytest.mark.parametrize("room_kib", [1024, 8200])
def test_the_upload_of_a_chunk_needs_no_memory_for_a_new_thread(room_kib: int) -> None:
    """With 8,200 KiB of room, the stack of a new thread fits, but the thread ends before it has started."""
    script = UPLOAD.replace("KIB", str(room_kib))
    environment = {"WORK_BUCKET": "work"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == "stored\nstored\n"


def request(failure: Exception) -> None:
    """Fail as a request of botocore does, which makes one error of all others."""
    try:
        raise failure
    except (MemoryError, OSError) as error:
        raise HTTPClientError(error=error) from error


@pytest.mark.parametrize(("failure", "expected"), [(MemoryError(), RecordsTooLargeError), (OSError(), HTTPClientError)])
def test_a_request_without_enough_memory_fails_as_a_conversion_does(
    failure: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected), bounded_memory({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "600"}):
        request(failure)


def test_the_limit_is_lifted_afterwards_and_there_is_none_outside_lambda() -> None:
    environment = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "600"}
    with pytest.raises(RecordsTooLargeError, match="memory of 600 MiB"), bounded_memory(environment):
        bytearray(2 << 30)
    with bounded_memory({}):
        assert len(bytearray(1 << 30)) == 1 << 30
