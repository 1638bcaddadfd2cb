"""The states between ConvertParts and RegisterLoad of a file with several parts, each of which knows only its own rows.

`chain_comparison` chains them. `continue_at_once` is for functions that may need more than one invocation.
"""

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.errors import UnfinishedError

MAX_CONTINUATIONS = 40
"""The number of invocations after the first one.

Each compares for five minutes, and at least one part: CompareParts with the later parts, of which a file has at most
39, RegisterLoad and ConfirmWritten with one other load. A load with many parts that overlaps many others may need more
and fails.
"""


def chain_comparison(
    scope: Construct,
    *,
    check_series: tasks.LambdaInvoke,
    compare_parts: tasks.LambdaInvoke,
    convert_again: sfn.Map,
    register: tasks.LambdaInvoke,
) -> sfn.Choice:
    """Chain CheckSeries and CompareParts before `register`, and `convert_again` if any part has losing rows.

    A file of one part goes straight to `register`. So do parts that an earlier release planned: they do not store their
    series, and have no `file_parts`.
    """
    convert_again.next(register)
    losing_rows = sfn.Choice(scope, "LosingRows?")
    losing_rows.when(sfn.Condition.is_present("$.converted.losing[0]"), convert_again).otherwise(register)
    check_series.next(compare_parts).next(losing_rows)
    several_parts = sfn.Choice(scope, "SeveralParts?")
    several_parts.when(sfn.Condition.is_present("$.file.parts[1].file_parts"), check_series)
    return several_parts.otherwise(register)


def continue_at_once(task: tasks.LambdaInvoke) -> tasks.LambdaInvoke:
    """Call the function again each time that it has stored its progress and asks for another invocation."""
    second = Duration.seconds(1)
    task.add_retry(errors=[UnfinishedError.__name__], interval=second, backoff_rate=1, max_attempts=MAX_CONTINUATIONS)
    return task
