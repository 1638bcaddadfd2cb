"""WORK_BUCKET: where everything lies that a load stages, sets aside and reports. Keys are derived, never passed."""

from typing import Literal


def _staging(load_id: str, execution: str) -> str:
    return f"staging/{load_id}/{execution}"


def chunk_key(load_id: str, execution: str, chunk: str) -> str:
    """The gzip members of a chunk, one a batch."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.lp.gz"


def manifest_key(load_id: str, execution: str, chunk: str) -> str:
    """Where the batches of a chunk lie: `shared.events.Manifest`."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.json"


def outcomes_prefix(load_id: str, execution: str) -> str:
    """All outcomes of an execution: `<part>.json` of ConvertAndChunk, `<part>-<chunk>.json` of WriteBatch."""
    return f"{_staging(load_id, execution)}/outcomes/"


def outcome_key(load_id: str, execution: str, work: str) -> str:
    """What became of one part or chunk."""
    return f"{outcomes_prefix(load_id, execution)}{work}.json"


def rows_quarantine_key(dataset: str, load_id: str, execution: str, part: int) -> str:
    """Rows that conversion set aside: Parquet, the original columns + source_row, rule, reason."""
    return f"quarantine/{dataset}/{load_id}/{execution}/rows-{part:04}.parquet"


def points_quarantine_key(dataset: str, load_id: str, execution: str, chunk: str) -> str:
    """Points that InfluxDB refused: gzipped JSON lines of source_row, line, status, message."""
    return f"quarantine/{dataset}/{load_id}/{execution}/points-{chunk}.jsonl.gz"


def report_key(dataset: str, load_id: str, execution: str, suffix: Literal["json", "html"]) -> str:
    """The report of a load."""
    return f"reports/{dataset}/{load_id}/{execution}.{suffix}"
