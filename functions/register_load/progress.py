"""The progress of comparisons that one invocation cannot finish.

The parts of large files, and of other files with the same points, may need more comparisons than fit into the time
limit of the function. Then the invocation stores what it has found, and raises an UnfinishedError, which the state
machine retries at once. So loads that have time enough, as almost all have, need no further state and no request.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.errors import UnfinishedError
from shared.events import Chunk
from shared.work_bucket import get_json, progress_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Findings(TypedDict):
    """The findings of the comparisons of one execution.

    Attributes:
        next_part: the first part of the file that is not compared with later ones yet.
        losing: the parts before it that have losing rows.
        compared: how many parts of the file were compared with another load, by the name of its registration.
        common: the other loads that have points in common with the file.
        chunks: the chunks that were staged again, by what they are for and their part.
    """

    next_part: int
    losing: list[int]
    compared: dict[str, int]
    common: list[str]
    chunks: dict[str, list[Chunk]]


class Progress:
    """The findings of one execution: those of earlier invocations, to which this one adds its own."""

    def __init__(
        self, client: "S3Client", load_id: str, execution: str, is_time_left: Callable[[], bool] = lambda: True
    ) -> None:
        self._client, self._key = client, progress_key(load_id, execution)
        self._is_time_left = is_time_left

    @cached_property
    def findings(self) -> Findings:
        """What is stored, or no findings if this is the first invocation."""
        try:
            return cast(Findings, get_json(self._client, self._key))
        except self._client.exceptions.NoSuchKey:
            return {"next_part": 0, "losing": [], "compared": {}, "common": [], "chunks": {}}

    def stop_if_late(self) -> None:
        """Store the findings and raise UnfinishedError if the time is over. Call it after each comparison."""
        if not self._is_time_left():
            put_json(self._client, self._key, self.findings)
            raise UnfinishedError(
                "comparing the points with those of other parts or files is not finished: the next invocation "
                "continues. If the load fails with this error, it has used up its invocations: divide the file into "
                "smaller ones, or sort its rows by time"
            )


def is_in_first_half(context: LambdaContext) -> Callable[[], bool]:
    """Return a function that tells whether the first half of an invocation's time still runs.

    The second half is for the comparison that has begun, which cannot be divided.
    """
    half_ms = context.get_remaining_time_in_millis() / 2
    return lambda: context.get_remaining_time_in_millis() > half_ms
