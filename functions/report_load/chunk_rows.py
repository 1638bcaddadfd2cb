"""The table of the chunks of a load, with the latencies of their requests to InfluxDB."""

from dataclasses import dataclass

from functions.report_load.latencies import Latencies, latencies
from shared.accounts import Accounts, chunk_accounts
from shared.load_totals import Outcomes
from shared.stored import ChunkOutcome

MAX_ROWS = 100
"""How many chunks the page shows: those with the slowest requests."""


@dataclass(frozen=True, kw_only=True)
class ChunkRow:
    """A chunk. `latencies` is None if no request was sent, and `started_at` is "" if no invocation is recorded."""

    name: str
    points: int
    accounts: Accounts
    batches: int
    written_batches: int
    requests: int
    latencies: Latencies | None
    invocations: int
    started_at: str


def chunk_rows(outcomes: Outcomes) -> list[ChunkRow]:
    """Return the chunks with the slowest requests, in the order of their names."""
    rows = [_row(chunk) for chunk in (*outcomes.chunks, *outcomes.chunks_again)]
    slowest = sorted(rows, key=lambda row: -row.latencies.max_ms if row.latencies else 0.0)[:MAX_ROWS]
    return sorted(slowest, key=lambda row: row.name)


def _row(chunk: ChunkOutcome) -> ChunkRow:
    return ChunkRow(
        name=chunk["chunk"],
        points=chunk["points"],
        accounts=chunk_accounts(chunk),
        batches=chunk["batches"],
        written_batches=len(chunk["written"]),
        requests=chunk["requests"],
        latencies=latencies(Outcomes(chunks=[chunk])),
        invocations=len(chunk["runs"]),
        started_at=min((run["started_at"] for run in chunk["runs"]), default=""),
    )
