"""The progress of a comparison that one invocation cannot finish.

The parts of large files may need more comparisons than fit into the time limit of the function. Then the invocation
stores which part is next, and raises an UnfinishedError, which the state machine retries at once. So loads that have
time enough, as almost all have, need no further state.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.work_bucket import get_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def is_in_first_half(context: LambdaContext) -> Callable[[], bool]:
    """Return a function that tells whether the first half of an invocation's time still runs.

    The second half is for the part whose comparison has begun: parts cannot be compared in pieces.
    """
    half_ms = context.get_remaining_time_in_millis() / 2
    return lambda: context.get_remaining_time_in_millis() > half_ms


class PartProgress(TypedDict):
    """What is done of a comparison: the parts before `next_part`, of which those in `losing` have losing rows."""

    next_part: int
    losing: list[int]


def read_progress(client: "S3Client", key: str) -> PartProgress:
    """Return the progress that an earlier invocation has stored; none if there is no earlier one."""
    try:
        return cast(PartProgress, get_json(client, key))
    except client.exceptions.NoSuchKey:
        return {"next_part": 0, "losing": []}
