"""Which S3 object an execution is asked to load: from an S3 notification, an EventBridge event, or by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

from shared.errors import SeveralObjectsError, UnreadableEventError

SHAPES = (
    'an S3 notification {"Records": [{"s3": …}]}, an EventBridge "Object Created" event, or {"bucket": …, "key": …}'
)


@dataclass(frozen=True, kw_only=True)
class RequestedObject:
    """`notified` is false where a person or program named the object; `skip_reason` says why there is none to load.

    `force` asks to load it whatever the ledger says. `sequencer` is S3's, which orders the events of one key.
    """

    bucket: str = ""
    key: str = ""
    version_id: str = ""
    etag: str = ""
    size: int | None = None
    sequencer: str = ""
    notified: bool = True
    force: bool = False
    skip_reason: str = ""


def requested_object(event: object) -> RequestedObject:
    """Read any of the three shapes. Raises UnreadableEventError or SeveralObjectsError."""
    if not isinstance(event, Mapping):
        raise UnreadableEventError(f"the input is no JSON object; it must be {SHAPES}")
    try:
        found = _read(event)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise UnreadableEventError(f"the input lacks {error}; it must be {SHAPES}") from error
    if not (found.skip_reason or (_is_text(found.bucket) and _is_text(found.key))):
        raise UnreadableEventError(f"bucket and key must be text that is not empty, in {SHAPES}")
    return replace(found, force=_force(event))


def _force(event: Mapping[str, Any]) -> bool:
    """Beside any of the shapes; text such as "false" would be taken for true, so it is refused."""
    force = event.get("force", False)
    if not isinstance(force, bool):
        raise UnreadableEventError(f"force is {force!r}: give true or false")
    return force


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _read(event: Mapping[str, Any]) -> RequestedObject:
    if event.get("Event") == "s3:TestEvent":
        return RequestedObject(bucket=event.get("Bucket", ""), skip_reason="a test event of S3")
    if "Records" in event:
        return _of_notification(event["Records"])
    if "detail" in event:
        return _of_eventbridge(event)
    return RequestedObject(
        bucket=event["bucket"], key=event["key"], version_id=event.get("version_id") or "", notified=False
    )


def _of_notification(records: list[Mapping[str, Any]]) -> RequestedObject:
    """Keys of notifications are URL-encoded: decoded here, once."""
    if len(records) > 1:
        raise SeveralObjectsError(f"the event holds {len(records)} records; start one execution for each object")
    record, s3 = records[0], records[0]["s3"]
    name = str(record.get("eventName", "ObjectCreated"))
    return RequestedObject(
        bucket=s3["bucket"]["name"],
        key=unquote_plus(s3["object"]["key"]),
        version_id=s3["object"].get("versionId") or "",
        etag=s3["object"].get("eTag") or "",
        size=s3["object"].get("size"),
        sequencer=s3["object"].get("sequencer") or "",
        skip_reason="" if "ObjectCreated" in name else f"the event is {name}",
    )


def _of_eventbridge(event: Mapping[str, Any]) -> RequestedObject:
    """Keys of EventBridge events are raw (Powertools' EventBridge `.key` would decode them)."""
    source, kind = event["detail"]["object"], str(event.get("detail-type", "Object Created"))
    return RequestedObject(
        bucket=event["detail"]["bucket"]["name"],
        key=source["key"],
        version_id=source.get("version-id") or "",
        etag=source.get("etag") or "",
        size=source.get("size"),
        sequencer=source.get("sequencer") or "",
        skip_reason="" if kind == "Object Created" else f"the event is {kind!r}",
    )
