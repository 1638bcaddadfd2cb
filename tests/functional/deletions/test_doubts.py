"""Nothing is deleted if what InfluxDB answers cannot be all that it stores."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.deletion.records import current_key, stale_key
from shared.errors import InfluxUnavailableError
from tests.functional.conftest import WORK
from tests.support.deletion import HOUR, START, Values, lines_of
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial, values
from tests.support.fault_proxy import Exchange, FaultProxy, pass_on, response

JSON = {"Content-Type": "application/json"}
WEEKS = range(0, 24 * 21, 24)


def answer_queries(content: bytes) -> Callable[[Exchange], None]:
    """Return a fault: all queries get this answer, and other requests reach the engine."""

    def answer(exchange: Exchange) -> None:
        if "/query" in exchange.handler.path:
            exchange.read()
            exchange.send(response(200, content, JSON))
        else:
            exchange.send(exchange.forward())

    return answer


def sent_deletes(proxy: FaultProxy) -> int:
    return sum(b'"predicate"' in exchange.body for exchange in proxy.exchanges)


def test_a_reading_without_any_point_is_not_believed(trial: Trial, proxy: FaultProxy) -> None:
    """The name of the database may stand for another bucket."""
    deletion = trial.start(CASES["an added tag"], CURRENT)
    proxy.always = answer_queries(b'{"results":[{"statement_id":0}]}')
    state = trial.finish(deletion)
    proxy.always = pass_on
    assert (state["status"], state["removed"], sent_deletes(proxy)) == ("done", 0, 0)
    assert "InfluxDB has none of its stale points" in state["doubts"]
    assert trial.stored() == CURRENT | CASES["an added tag"]


def test_a_reading_without_the_values_of_current_files_is_not_believed(trial: Trial, proxy: FaultProxy) -> None:
    stale = CASES["an added tag"]
    deletion = trial.start(stale, CURRENT)
    trial.api.query(f"DELETE FROM \"{trial.api.series}\" WHERE operator='x' AND time = {START + 3 * HOUR}")  # noqa: S608
    stored = trial.stored()
    assert len(stored) == len(CURRENT | stale) - 1
    state = trial.finish(deletion)
    assert state["doubts"] == ["InfluxDB lacks 1 value of current files: load these files again first"]
    assert (trial.stored(), sent_deletes(proxy)) == (stored, 0)


def test_an_error_beside_results_is_an_error(trial: Trial, proxy: FaultProxy) -> None:
    deletion = trial.start(CASES["an added tag"], CURRENT)
    trial.step(deletion, LATER - timedelta(seconds=30))
    proxy.always = answer_queries(b'{"results":[{"statement_id":0}],"error":"timeout"}')
    with pytest.raises(InfluxUnavailableError, match="timeout"):
        trial.step(deletion)


def test_values_of_another_type_in_another_shard_are_not_deleted(trial: Trial, proxy: FaultProxy) -> None:
    """The query returns the numbers only."""
    stale = values("plant=old,region=N", [hour for hour in WEEKS if not 7 <= hour // 24 <= 19])
    text = trial.api.series.encode() + b',plant=old,region=X power_mw="text" %d' % (START + (24 * 15 + 1) * HOUR)
    deletion = trial.start(stale, CURRENT)
    assert trial.api.write(text).status_code == 204
    state = trial.finish(deletion)
    assert [text for text in state["doubts"] if text.startswith("the field power_mw has values of the type float and")]
    assert (state["removed"], sent_deletes(proxy)) == (0, 0)
    query = f"SELECT power_mw::string FROM \"{trial.api.series}\" WHERE region='X'"  # noqa: S608
    assert trial.api.query(query).text.count("text") == 1


def test_a_field_with_the_name_of_a_tag_hides_no_point(trial: Trial, proxy: FaultProxy) -> None:
    stale: Values = values("plant=old,region=N", range(12))
    foreign = values("plant=old,region=F", range(5, 6), 77)
    assert trial.api.write(f"{trial.api.series},src=x plant=5 {START}".encode()).status_code == 204
    deletion = trial.start(stale, CURRENT, foreign)
    assert deletion["requests"][0]["tags"] == [["plant", "old"]]
    state = trial.finish(deletion)
    assert (len(state["foreign"]), state["doubts"], sent_deletes(proxy)) == (1, [], 0)
    assert lines_of(foreign, trial.api.series).partition(b" ")[0].decode() in state["foreign"][0]


def test_current_points_are_written_again_although_another_program_writes_stale_ones(
    trial: Trial, proxy: FaultProxy
) -> None:
    stale = CASES["an added tag"]
    deletion = trial.start(stale, CURRENT)
    one = dict([next(iter(stale.items()))])

    def write_again(exchange: Exchange) -> None:
        reply = exchange.forward()
        if b'"predicate"' in exchange.body:
            trial.api.write(lines_of(one, trial.api.series))
        exchange.send(reply)

    proxy.always = write_again
    state = trial.finish(deletion)
    assert (state["status"], state["removed"], len(state["foreign"])) == ("done", len(stale) - 1, 1)
    assert trial.stored() == CURRENT | one


@pytest.mark.parametrize("key", [stale_key, current_key])
def test_nothing_is_deleted_if_a_footprint_of_the_plan_is_missing(
    trial: Trial, proxy: FaultProxy, key: Callable[[str], str]
) -> None:
    deletion = trial.start(CASES["an added tag"], CURRENT)
    trial.step(deletion, LATER - timedelta(seconds=30))
    trial.s3.delete_object(Bucket=WORK, Key=key(deletion["deletion"]))
    with pytest.raises(trial.s3.exceptions.NoSuchKey):
        trial.step(deletion)
    assert sent_deletes(proxy) == 0
