"""The three shapes of input, and what is none."""

from typing import Any

import pytest

from shared.errors import SeveralObjectsError, UnreadableEventError
from shared.requested_object import requested_object

KEY = "dataset=generation/year=2024/month=01/at=2024-01-02 03:04:05.678901/x+y ção.parquet"
ENCODED = "dataset%3Dgeneration/year%3D2024/month%3D01/at%3D2024-01-02+03%3A04%3A05.678901/x%2By+%C3%A7%C3%A3o.parquet"


def notification(key: str, **extra: Any) -> dict[str, Any]:
    return {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key}}, **extra}]}


def eventbridge(key: str, **extra: Any) -> dict[str, Any]:
    return {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": key, **extra}}}


@pytest.mark.parametrize("event", [notification(ENCODED), eventbridge(KEY), {"bucket": "b", "key": KEY}])
def test_all_three_shapes_name_the_same_object(event: dict[str, Any]) -> None:
    request = requested_object(event)
    assert (request.bucket, request.key, request.skip_reason) == ("b", KEY, "")


def test_a_raw_key_is_not_decoded_a_second_time() -> None:
    assert requested_object(eventbridge("a+b%2Fc.parquet")).key == "a+b%2Fc.parquet"


def test_an_event_says_which_version_it_is_about() -> None:
    request = requested_object(eventbridge(KEY, **{"version-id": "v1", "etag": "abc", "size": 7}))
    assert (request.version_id, request.etag, request.size, request.notified) == ("v1", "abc", 7, True)


def test_an_object_requested_by_name_was_not_notified() -> None:
    request = requested_object({"bucket": "b", "key": KEY, "version_id": "v1"})
    assert (request.version_id, request.notified) == ("v1", False)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, "a test event of S3"),
        (notification("k", eventName="ObjectRemoved:Delete"), "the event is ObjectRemoved:Delete"),
        (eventbridge("k") | {"detail-type": "Object Deleted"}, "the event is 'Object Deleted'"),
    ],
)
def test_events_without_a_new_object_are_no_loads(event: dict[str, Any], reason: str) -> None:
    assert requested_object(event).skip_reason == reason


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "s3://b/k",
        {},
        {"bucket": "b"},
        {"bucket": "", "key": "k"},
        {"bucket": "b", "key": 7},
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"Records": {"s3": 1}},
        {"detail": {}},
        {"detail": "x"},
    ],
)
def test_an_event_that_names_no_object_is_rejected_with_the_valid_shapes(event: object) -> None:
    with pytest.raises(UnreadableEventError, match="Records"):
        requested_object(event)


def test_several_records_are_several_loads() -> None:
    with pytest.raises(SeveralObjectsError, match="2 records"):
        requested_object({"Records": notification("a")["Records"] * 2})
