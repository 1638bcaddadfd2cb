"""The S3 object that the input of an execution names.

The input is an S3 notification, an EventBridge event or an object with `bucket` and `key`. `requested_object` reads all
three: `_read` tells them apart by their keys, and errors name the shapes that are accepted.
"""

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
    """The object that the input names.

    Attributes:
        bucket: the name of the bucket.
        key: the key, decoded.
        version_id: S3's version id; "" for the current version or an unversioned bucket.
        etag: the ETag from the event, or "".
        size: the size in bytes from the event, or None.
        sequencer: S3's sequencer, which orders the events of one key, or "".
        notified: S3 announced the object; false if a person or a program named it.
        force: load the version whatever the ledger says.
        override_slot: load it although a newer revision has its slot, as `force` does unless the input says otherwise.
        skip_reason: why the event is not about a new object, or "".
    """

    bucket: str = ""
    key: str = ""
    version_id: str = ""
    etag: str = ""
    size: int | None = None
    sequencer: str = ""
    notified: bool = True
    force: bool = False
    override_slot: bool = False
    skip_reason: str = ""


def requested_object(event: object) -> RequestedObject:
    """Return the object that `event` names.

    Args:
        event: the input of the execution, in any of the three `SHAPES`.

    Raises:
        UnreadableEventError: the input has another shape, or names no object.
        SeveralObjectsError: the notification has several records.
    """
    if not isinstance(event, Mapping):
        raise UnreadableEventError(f"the input is not a JSON object: send {SHAPES}")
    try:
        request = _read(event)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise UnreadableEventError(f"the input is incomplete ({error}): send {SHAPES}") from error
    if not (request.skip_reason or (_is_text(request.bucket) and _is_text(request.key))):
        raise UnreadableEventError(f"bucket and key must be strings that are not empty: send {SHAPES}")
    force = _flag(event, "force", default=False)
    return replace(request, force=force, override_slot=_flag(event, "override_slot", default=force))


def _flag(event: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Return a flag that any of the shapes may have in addition.

    A string is an error, since "false" would count as true.
    """
    flag = event.get(name, default)
    if not isinstance(flag, bool):
        raise UnreadableEventError(f"{name} is {flag!r}: use true or false")
    return flag


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _read(event: Mapping[str, Any]) -> RequestedObject:
    if event.get("Event") == "s3:TestEvent":
        return RequestedObject(bucket=event.get("Bucket", ""), skip_reason="a test event of S3")
    if "Records" in event:
        return _from_notification(event["Records"])
    if "detail" in event:
        return _from_eventbridge(event)
    return RequestedObject(
        bucket=event["bucket"], key=event["key"], version_id=event.get("version_id") or "", notified=False
    )


def _from_notification(records: list[Mapping[str, Any]]) -> RequestedObject:
    """Read an S3 notification, whose keys are URL-encoded."""
    if len(records) > 1:
        raise SeveralObjectsError(f"the event has {len(records)} records: start one execution for each object")
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


def _from_eventbridge(event: Mapping[str, Any]) -> RequestedObject:
    """Read an EventBridge event, whose keys are not encoded. Powertools' data class would decode them."""
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
