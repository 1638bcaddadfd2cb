"""The requests and log lines that the cost of a load assumes are those of a real load."""

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.costs import CALL_BYTES, ROWS, s3_reads, s3_writes
from shared.aws_clients import s3_client
from tests.support.builders import generation
from tests.support.finished_load import load_file
from tests.support.scripted_influx import ScriptedInflux

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINE_BYTES = 550
"""A log line with the keys of its load."""

PLATFORM_BYTES = 450
"""Lambda's own lines of an invocation: START, END, REPORT, with the trace."""


def test_a_load_makes_the_requests_and_log_lines_that_its_cost_assumes(
    s3: "S3Client",
    influx: ScriptedInflux,
    context: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    operations: Counter[str] = Counter()
    for client in (s3, s3_client()):
        client.meta.events.register("before-call.s3", lambda model, **_: operations.update([model.name]))
    data = load_file(s3, context, "dataset=generation/a.parquet", generation(ROWS))
    assert data["points_written"] == ROWS
    operations["PutObject"] -= 1  # the file itself
    assert operations["PutObject"] + operations["ListObjectsV2"] == s3_writes(parts=1, chunks=1)
    assert operations["GetObject"] + operations["HeadObject"] <= s3_reads(parts=1, chunks=1)
    calls = 3  # ConvertAndChunk, WriteBatch, ReportLoad
    metrics = capsys.readouterr().out
    assert len(caplog.records) > calls
    assert "PointsWritten" in metrics
    assert len(caplog.records) * LINE_BYTES + len(metrics) < calls * (CALL_BYTES - PLATFORM_BYTES)
