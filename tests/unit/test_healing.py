"""When the sweep loads a version again, and which errors need a person."""

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from shared.errors import (
    DataError,
    LoaderError,
    OperatorError,
    TransientError,
    can_heal,
    error_names,
    heals_alone,
    needs_person,
)
from shared.healing import WAITS, given_up_at, next_try_at
from shared.ledger import LedgerItem

CHANGED = datetime.fromisoformat("2024-01-01T00:00:00Z")


def failed(tries: int | None, error: str = "InfluxUnavailableError") -> LedgerItem:
    item: dict[str, Any] = {"status": "failed", "error": error, "changed_at": CHANGED.isoformat()}
    return cast("LedgerItem", item | ({} if tries is None else {"tries": tries}))


def claimed(tries: int) -> LedgerItem:
    item = {"status": "claimed", "changed_at": CHANGED.isoformat(), "lease_until": "2024-01-01T06:30:00Z"}
    return cast("LedgerItem", item | {"tries": tries})


def test_a_version_waits_longer_after_each_try_for_a_week() -> None:
    hours = [wait / timedelta(hours=1) for wait in WAITS]
    assert hours[:8] == [0.25, 0.5, 1, 2, 4, 8, 12, 12]
    assert set(hours[6:]) == {12}
    assert 7 * 24 <= sum(hours) < 7.5 * 24


@pytest.mark.parametrize(("tries", "minutes"), [(None, 15), (1, 15), (2, 30), (3, 60), (7, 720), (len(WAITS), 720)])
def test_the_next_try_follows_from_the_tries_and_the_last_failure(tries: int | None, minutes: int) -> None:
    assert next_try_at(failed(tries)) == CHANGED + timedelta(minutes=minutes)
    assert given_up_at(failed(tries)) is None


def test_after_the_last_wait_a_version_needs_a_person() -> None:
    tries = len(WAITS) + 1
    assert (next_try_at(failed(tries)), given_up_at(failed(tries))) == (None, CHANGED)
    assert (next_try_at(claimed(tries)), given_up_at(claimed(tries))) == (None, CHANGED + timedelta(hours=6.5))


def test_a_claim_is_due_when_its_lease_ends() -> None:
    assert next_try_at(claimed(1)) == CHANGED + timedelta(hours=6.5)


@pytest.mark.parametrize("error", ["SchemaMismatchError", "CorruptParquetError", "SourceNotFoundError"])
def test_an_error_of_the_file_is_not_tried_again(error: str) -> None:
    assert next_try_at(failed(1, error)) is None
    assert given_up_at(failed(len(WAITS) + 1, error)) is None, "it needed a person before"


def test_loaded_and_skipped_versions_are_not_tried() -> None:
    loaded, skipped = failed(1), failed(1)
    loaded["status"], skipped["status"] = "loaded", "skipped"
    assert (next_try_at(loaded), next_try_at(skipped)) == (None, None)


def test_each_error_heals_alone_or_needs_a_person_and_those_of_the_deployment_both() -> None:
    assert not any(needs_person(error) for error in ["", *error_names(TransientError), "Sandbox.Timedout"])
    assert all(heals_alone(error) and needs_person(error) for error in error_names(OperatorError))
    data_errors = set(error_names(DataError)) - {"SourceChangedError"}
    assert all(needs_person(error) and not heals_alone(error) for error in data_errors)
    assert heals_alone("SourceChangedError")
    assert all(can_heal(error) for error in error_names(LoaderError) if heals_alone(error))
