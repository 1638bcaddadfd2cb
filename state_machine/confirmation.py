"""The states after WriteChunks that make newer values stand: wait for older loads, and write over them again."""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct


def chain_confirmation(
    scope: Construct,
    *,
    write: sfn.Map,
    confirm: tasks.LambdaInvoke,
    find_stale: tasks.LambdaInvoke,
    report: tasks.LambdaInvoke,
) -> None:
    """Chain ConfirmWritten after WriteChunks, and repeat both until no older load is left, then go to ReportLoad.

    If the load may have replaced another one, go to FindStale, which ReportLoad follows.
    """
    wait = sfn.Wait(scope, "WaitForOlderFiles", time=sfn.WaitTime.timestamp_path("$.converted.not_before"))
    stands = sfn.Choice(scope, "Confirmed?")
    stands.when(sfn.Condition.not_(sfn.Condition.string_equals("$.converted.not_before", "")), wait.next(confirm))
    stands.when(sfn.Condition.is_present("$.converted.chunks[0]"), write)
    stands.when(may_replace(), find_stale)
    write.next(confirm)
    confirm.next(stands.otherwise(report))


def may_replace() -> sfn.Condition:
    """Return the condition that the load may replace another one."""
    return sfn.Condition.boolean_equals("$.file.may_replace", value=True)
