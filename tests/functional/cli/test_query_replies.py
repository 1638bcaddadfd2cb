"""InfluxDB's replies to queries: rows, and errors in each of their places."""

from typing import Any

import pytest

from cli.errors import QueryError
from cli.query_replies import csv_rows, json_rows
from shared.influx_answers import HttpReply

FIELDS = ("a", "b")
CSV = 'name,tags,time,b,host,name\nm,,10,1.5,"x,y",\nm,,11,,z,"p\nq"\nm,,12,-0,"x,y",\n'


def json_reply(**series: Any) -> HttpReply:
    return HttpReply(status=200, data={"results": [{"statement_id": 0, "series": [{"name": "m", **series}]}]})


def test_csv_is_times_values_and_tags_whatever_the_tags_are_called() -> None:
    rows = csv_rows(HttpReply(status=200, data=CSV), FIELDS)
    assert rows.times.tolist() == [10, 11, 12]
    assert str(rows.values.tolist()) == "[[nan, 1.5], [nan, nan], [nan, 0.0]]"
    assert rows.tags == ("host", "name")
    numbers, examples = rows.tag_combinations()
    assert [examples[number] for number in numbers] == [["x,y", ""], ["z", "p\nq"], ["x,y", ""]]


def test_json_has_the_same_rows() -> None:
    values = [[10, 1.5, "x,y", None], [11, None, "z", "p\nq"], [12, 0, "x,y", ""]]
    rows = json_rows(json_reply(columns=["time", "b", "host", "name"], values=values), FIELDS)
    assert str(rows.values.tolist()) == "[[nan, 1.5], [nan, nan], [nan, 0.0]]"
    numbers, examples = rows.tag_combinations()
    assert [examples[number] for number in numbers] == [["x,y", ""], ["z", "p\nq"], ["x,y", ""]]


@pytest.mark.parametrize(("read", "data"), [(csv_rows, ""), (json_rows, {"results": [{"statement_id": 0}]})])
def test_an_answer_without_rows_is_empty(read: Any, data: Any) -> None:
    rows = read(HttpReply(status=200, data=data), FIELDS)
    assert (len(rows.times), rows.values.shape, rows.tags) == (0, (0, 2), ())
    assert rows.tag_combinations()[1] == []


@pytest.mark.parametrize(
    "data",
    [
        {"results": [{"statement_id": 0, "error": "database not found: ons"}]},
        {"results": [{"statement_id": 0, "series": [], "error": "database not found: ons"}]},
        {"error": "database not found: ons"},
        {"code": "internal error", "message": "database not found: ons"},
        "<html>database not found: ons</html>",
    ],
)
def test_an_error_in_json_is_in_the_servers_words(data: Any) -> None:
    with pytest.raises(QueryError, match="database not found: ons"):
        json_rows(HttpReply(status=200, data=data), FIELDS)


def test_a_shortened_answer_is_no_answer() -> None:
    with pytest.raises(QueryError, match="max-row-limit"):
        json_rows(json_reply(columns=["time"], values=[[1]], partial=True), FIELDS)


@pytest.mark.parametrize("data", ["error\ndatabase not found: ons\n", {"error": "database not found: ons"}])
def test_an_error_in_place_of_csv_is_in_the_servers_words(data: Any) -> None:
    with pytest.raises(QueryError, match="database not found: ons"):
        csv_rows(HttpReply(status=200, data=data), FIELDS)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (HttpReply(status=400, data={"error": "error parsing query"}), "rejected a query: error parsing query"),
        (HttpReply(status=401, data={"code": "unauthorized", "message": "no"}), "the token is invalid.*no"),
        (HttpReply(status=503, data="busy"), "temporarily unavailable.*busy"),
        (HttpReply(exception=TimeoutError()), "no response from InfluxDB"),
    ],
)
def test_another_status_is_no_answer(reply: HttpReply, words: str) -> None:
    for read in (csv_rows, json_rows):
        with pytest.raises(QueryError, match=words):
            read(reply, FIELDS)
