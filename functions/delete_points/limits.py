"""The limits of a deletion as the function itself checks them, whatever the command that planned it did."""

from collections.abc import Sequence

from shared.deletion.records import Deletion, RequestProgress
from shared.deletion.requests import MAX_REQUEST_SECONDS, MAX_REQUESTS, MAX_SECONDS, instead


def reason_to_refuse(deletion: Deletion, stale_points: int) -> str:
    """Return why nothing of a deletion may be sent without the approval of a person, or "".

    `stale_points` is the number of points in its own footprint of stale points.
    """
    approval = deletion.get("approval")
    if approval is None:
        return "a former release planned it: run the command again"
    reasons = list(approval["reasons"])
    if stale_points > approval["max_stale_rate"] * approval["written"]:
        reasons.append(f"{stale_points:,} of {approval['written']:,} points that replaced loads wrote would go")
    return "" if approval["force"] or not reasons else f"{reasons[0]}, and nobody approved it with --force"


def reason_to_stop(deletion: Deletion, progress: Sequence[RequestProgress]) -> str:
    """Return the limit that the deletion exceeds, or "".

    The time of the requests that are left is estimated from the slowest one that was measured, once there is one.
    """
    requests, left = len(deletion["requests"]), sum(each["status"] == "planned" for each in progress)
    measured = max((each["seconds"] for each in progress), default=0.0)
    estimated = deletion["seconds"]
    reasons = [
        (requests > MAX_REQUESTS, f"it has {requests} requests, and the limit is {MAX_REQUESTS}"),
        (
            max(estimated, measured) > MAX_REQUEST_SECONDS,
            f"one request takes {max(estimated, measured):,.0f} s, and the limit is {MAX_REQUEST_SECONDS:.0f}",
        ),
        (
            (measured or estimated) * left > MAX_SECONDS,
            f"the {left} requests that are left take about {(measured or estimated) * left / 60:,.0f} minutes, and the "
            f"limit is {MAX_SECONDS / 60:.0f}",
        ),
    ]
    texts = [text for applies, text in reasons if applies]
    return f"{'; '.join(texts)}: {instead()}" if left and texts else ""
