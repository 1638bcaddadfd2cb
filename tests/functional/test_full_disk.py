"""A full disk of InfluxDB: its own error, which names the chunk, and no loss once there is room and a restart."""

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.report_load.runbook import entry
from shared.errors import InfluxDiskFullError
from shared.outages import WriteLaterError
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.staged_chunk import CHUNK, gzip_members, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WAL = Reply(500, {"code": "internal error", "message": "engine: error writing WAL entry: no space left on device"})
SHARD = Reply(
    500,
    {
        "code": "internal error",
        "message": "not attempting to open shard 2; opening shard previously failed with: no space left on device",
    },
)


@pytest.mark.parametrize("reply", [WAL, SHARD])
def test_a_full_disk_is_waited_out_and_the_chunk_is_written_later(
    s3: "S3Client",
    influx: ScriptedInflux,
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    monkeypatch.setenv("MAX_RETRIES", "0")
    ref = stage(s3, points(3))
    influx.script = [reply]
    with pytest.raises(WriteLaterError) as later:
        write(ref, context)
    assert re.match(rf"chunk {CHUNK}, batch 0: .*make room, then restart influxd", later.value.outage["reason"])
    assert write(ref, context)["written"]
    assert [request.body for request in influx.writes] == gzip_members([points(3)]) * 2


def test_a_disk_that_stays_full_fails_the_load_with_its_own_error(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_RETRIES", "0")
    monkeypatch.setenv("OUTAGE_PATIENCE", "0")
    influx.script = [WAL]
    with pytest.raises(InfluxDiskFullError, match=r"make room, .* InfluxDB has accepted nothing since 20"):
        write(stage(s3, points(3)), context)


def test_the_runbook_says_to_make_room_before_the_restart() -> None:
    advice = str(entry("InfluxDiskFullError", {}).who_acts)
    assert advice.index("make room") < advice.index("restart influxd") < advice.index("load the file again")
