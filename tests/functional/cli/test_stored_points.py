"""Queries for the points that were sent, in a measurement that others write to."""

from collections.abc import Callable
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest

from cli.errors import QueryError
from cli.sent_points import SeriesTable, merge_repetitions, parse_lines
from cli.spool import Points
from cli.stored_points import MAX_CONDITION_BYTES, SPARE_ROWS, StoredPoints, conditions
from shared.datasets import DATASETS
from shared.influx import Influx
from shared.settings import influx_settings
from tests.support.finished_load import StoringInflux
from tests.support.scripted_aws import ScriptedAws
from tests.support.scripted_influx import Reply, ScriptedInflux

GENERATION = DATASETS["generation"]
SENT = [f"generation_data,energy_source=hydro,region={region} power_mw=1 {n}" for n in range(100) for region in "NS"]

Ask = Callable[[list[str]], tuple[Points, "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]]


@pytest.fixture
def ask(aws: ScriptedAws, database: StoringInflux) -> Ask:
    """Query the points of these lines from the bucket of the deployed WriteBatch."""

    def query(
        lines: list[str], bucket: str = "ons"
    ) -> tuple[Points, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        table = SeriesTable()
        sent = merge_repetitions(parse_lines(pa.array(lines), GENERATION.field_names, table))
        stored = StoredPoints(Influx(influx_settings(aws.environments["write"])), bucket, GENERATION, table)
        blocks = [*stored.of(sent)]
        assert sum(len(block.sent) for block in blocks) == len(sent)
        return np.concatenate([block.sent for block in blocks]), np.concatenate([block.stored for block in blocks])

    return query


def store(database: StoringInflux, lines: list[str], value: float = 1.0) -> None:
    database.points |= {(line.split(" ")[0], int(line.split(" ")[2])): {"power_mw": value} for line in lines}


def sizes(database: StoringInflux) -> list[int]:
    """The number of rows of each reply."""
    return [len(database._query(query)) - 1 for query in database.queries]


def test_one_query_asks_for_the_series_the_fields_and_the_times_that_were_sent(
    ask: Ask, database: StoringInflux
) -> None:
    store(database, SENT)
    _, stored = ask(SENT)
    assert (stored[:, 0] == 1.0).all()
    assert database.queries == [
        'SELECT "power_mw", *::tag FROM "generation_data" WHERE time >= 0 AND time <= 99 '
        "AND \"energy_source\" = 'hydro' AND (\"region\" = 'N' OR \"region\" = 'S') LIMIT 1400"
    ]


@pytest.mark.parametrize(
    "tags", ["energy_source=hydro,host=h{n},region=N", "energy_source=hydro,plant_name=p{n},region=S"]
)
def test_a_crowd_of_series_with_more_tags_costs_one_more_query(ask: Ask, database: StoringInflux, tags: str) -> None:
    crowd = [f"generation_data,{tags.format(n=n)} power_mw=7 {time}" for n in range(1000) for time in range(0, 100, 9)]
    store(database, SENT)
    store(database, crowd, 7.0)
    _, stored = ask(SENT)
    assert (stored[:, 0] == 1.0).all()
    assert sizes(database) == [1400, 200]


def test_a_crowd_in_the_same_series_is_avoided_by_dividing_time(ask: Ask, database: StoringInflux) -> None:
    sent = [f"generation_data,region=N power_mw=1 {n * 1000}" for n in range(20)]
    store(database, [f"generation_data,region=N power_mw=1 {n}" for n in range(20_000)], 7.0)
    store(database, sent)
    _, stored = ask(sent)
    assert (stored[:, 0] == 1.0).all()
    assert max(sizes(database)) <= 2 * 20 + SPARE_ROWS
    assert len(database.queries) < 2 * len(sent)


def test_a_crowd_in_combinations_of_the_same_tags_is_avoided_by_dividing_series(
    ask: Ask, database: StoringInflux
) -> None:
    """The sent series are the diagonal of a square whose other series somebody else writes to at the same time."""
    names = [f"generation_data,operator=o{a},plant_name=p{b}" for a in range(50) for b in range(50)]
    crowd = [f"{name} power_mw=7 5" for name in names]
    sent = [f"generation_data,operator=o{n},plant_name=p{n} power_mw=1 5" for n in range(50)]
    store(database, crowd, 7.0)
    store(database, sent)
    _, stored = ask(sent)
    assert (stored[:, 0] == 1.0).all()
    assert max(sizes(database)) <= 2 * 50 + SPARE_ROWS


def test_a_series_with_more_tags_is_not_taken_for_the_sent_one(ask: Ask, database: StoringInflux) -> None:
    store(database, ["generation_data,host=h,region=N power_mw=1 5"])
    _, stored = ask(["generation_data,region=N power_mw=1 5"])
    assert np.isnan(stored).all()


def test_a_tag_that_no_series_has_is_not_asked_for() -> None:
    """On InfluxDB 3 a condition on a tag that the measurement lacks matches nothing."""
    assert conditions([{"a": "x"}, {"a": "y", "b": "z"}], []) == ["(\"a\" = 'x' OR \"a\" = 'y')"]
    assert conditions([{"a": "x"}], ["b"]) == ["\"b\" = ''", "\"a\" = 'x'"]


def test_quotes_and_backslashes_in_values_are_escaped() -> None:
    assert conditions([{"a": r"d'Água\1"}], []) == [r""""a" = 'd\'Água\\1'"""]


def test_conditions_are_limited_in_length() -> None:
    texts = conditions([{"a": f"{n:0100}", "b": "x"} for n in range(100)], [])
    assert texts == ["\"b\" = 'x'"]
    texts = conditions([{"a": f"Ó{n}", "b": "x"} for n in range(100)], [])
    assert sum(len(quote(text)) for text in texts) <= MAX_CONDITION_BYTES


def test_a_bucket_of_a_retention_policy_is_asked_with_both_names(
    ask: Ask, database: StoringInflux, influx: ScriptedInflux
) -> None:
    store(database, SENT)
    ask(SENT, "grid/raw")  # type: ignore[call-arg]
    ask(SENT)
    queries = [request.query for request in influx.requests]
    assert [(query["db"], query.get("rp")) for query in queries] == [("grid", "raw"), ("ons", None)]


def test_an_empty_csv_reply_is_asked_again_in_json_for_its_error(
    ask: Ask, database: StoringInflux, influx: ScriptedInflux
) -> None:
    error = {"results": [{"statement_id": 0, "error": "database not found: ons"}]}
    influx.fallback = lambda request: Reply(200, "" if request.headers["Accept"] == "application/csv" else error)
    with pytest.raises(QueryError, match="database not found: ons"):
        ask(SENT)


def test_a_csv_reply_that_an_error_cut_short_is_not_taken_for_missing_points(
    ask: Ask, database: StoringInflux, influx: ScriptedInflux
) -> None:
    error = {"results": [{"statement_id": 0, "error": "query-timeout limit exceeded"}]}
    csv = "name,tags,time,power_mw,energy_source,region\nm,,0,1,hydro,N\n"
    influx.fallback = lambda request: Reply(200, csv if request.headers["Accept"] == "application/csv" else error)
    with pytest.raises(QueryError, match="query-timeout limit exceeded"):
        ask(SENT)


def test_what_neither_format_has_is_missing(ask: Ask, database: StoringInflux) -> None:
    store(database, SENT[:150])
    _, stored = ask(SENT)
    assert np.isnan(stored[:, 0]).sum() == 50
    assert len(database.queries) == 2
