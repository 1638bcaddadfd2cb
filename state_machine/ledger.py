"""The states that read and write the ledger: each is a single request of Step Functions to DynamoDB.

An execution claims its version with a conditional write (`claim`, `FREE_CONDITION`) and settles it with another
(`settle_loaded`, `settle_failed`, `settle_skipped`; `OWN_CONDITION`). A condition that is not met means that another
execution has the version. `_update` builds every write from attributes, which the functions below it return.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_CONDITION_FAILED_ERROR
from state_machine.invocations import retry, wait_for_service
from state_machine.settings import MachineSettings

Value = tasks.DynamoAttributeValue
Values = Mapping[str, Value]

FREE_CONDITION = (
    "attribute_not_exists(#status) OR #status IN (:failed, :skipped)"
    " OR (#status = :status AND #lease_until < :claimed_at) OR #execution = :execution"
)
"""The condition to claim a version.

An undone one is not free, for only a person may decide to load it again. A backfill may have listed it before its undo
began, and an event may be delivered late or twice.
Its last part allows an execution to repeat its own claim, which Step Functions does if the response was lost.
"""

OWN_CONDITION = "#execution = :execution"
"""The condition to settle a version: once an execution's lease has ended, another may have claimed it."""

POINT_ATTRIBUTES = {
    "points_written": "stored",
    "points_rejected": "rejected",
    "points_superseded": "superseded",
    "points_not_sent": "not_sent",
    "points_unknown": "unknown",
}
"""The attributes with the converted points by fate, and their keys in the response's `points`."""

FOOTPRINT_ATTRIBUTES = {
    "footprint": "prefix",
    "measurement": "measurement",
    "first_time": "first_time",
    "last_time": "last_time",
    "calendar": "calendar",
}
"""The attributes of the footprint, and their keys in the response's `footprint`. A new claim keeps those of the attempt
before, whose points stay in InfluxDB."""

ATTEMPT_ATTRIBUTES = (
    "input_rows",
    *POINT_ATTRIBUTES,
    "batches_processed",
    "report",
    "verdict",
    "error",
    "message",
    "sweep_result",
    "load_ended_at",
    "slot_examined",
)
"""The attributes of an earlier attempt, which a new claim removes. `tries` stays until a load or a skip."""


class LedgerStates:
    """A factory of the states in `scope`. They read claim and file at `$.file`, and the execution at `$.execution`.

    A write whose condition is not met is not retried. All other errors are: throttling most patiently, then
    `DynamoDB.AmazonDynamoDBException`, which may be throttling or a missing permission.
    """

    def __init__(self, scope: Construct, table: dynamodb.ITable, settings: MachineSettings) -> None:
        self._scope = scope
        self._table = table
        self._settings = settings

    def claim(self) -> tasks.DynamoUpdateItem:
        """Claim the version. Fail with `AWS_CONDITION_FAILED_ERROR` if it is loaded, being loaded, or undone."""
        free = {status: Value.from_string(status) for status in ("failed", "skipped")}
        return self._update(
            "Claim",
            _claim_attributes(),
            keep=_version_attributes(),
            remove=ATTEMPT_ATTRIBUTES,
            count="tries",
            condition_expression=FREE_CONDITION,
            compare=free,
        )

    def claim_anyway(self) -> tasks.DynamoUpdateItem:
        """Claim the version whatever the ledger says, as `force` demands."""
        return self._update(
            "ClaimAnyway",
            _claim_attributes(),
            keep=_version_attributes(),
            remove=ATTEMPT_ATTRIBUTES,
            count="tries",
        )

    def read_claim(self) -> tasks.DynamoGetItem:
        """Read the item that prevented the claim to `$.known.Item`."""
        read = tasks.DynamoGetItem(
            self._scope, "ReadClaim", table=self._table, key=_key(), consistent_read=True, result_path="$.known"
        )
        self._retry(read)
        return read

    def settle_loaded(self) -> tasks.DynamoUpdateItem:
        """Settle with counts, report and the bucket's id from the response at `$.response`, which becomes the output.

        The id of the load before moves to another attribute, so that a backfill can tell why it loaded a file again.
        """
        data = "$.response.data"
        counts = {
            "input_rows": _number(f"{data}.conversion_stats.input_rows"),
            "batches_processed": _number(f"{data}.batches_processed"),
        }
        texts = _texts(
            report=f"{data}.report", verdict=f"{data}.verdict", bucket_id=f"{data}.influxdb_health.bucket_id"
        )
        return self._update(
            "SettleLoaded",
            _status_attributes("loaded") | counts | _points(f"{data}.points") | _footprint(f"{data}.footprint") | texts,
            move={"former_bucket_id": "bucket_id"},
            remove=("lease_until", "tries"),
            condition_expression=OWN_CONDITION,
            output_path="$.response",
        )

    def settle_failed(self) -> tasks.DynamoUpdateItem:
        """Settle with error, message, report and points from `$.failure`."""
        counts = _points("$.failure.points") | _footprint("$.failure.footprint")
        failed = _status_attributes("failed") | _failure() | counts
        return self._update("SettleFailed", failed, condition_expression=OWN_CONDITION)

    def settle_unreported(self) -> tasks.DynamoUpdateItem:
        """Settle with error and message from `$.failure`, if there is no report that counts points."""
        failed = _status_attributes("failed") | _failure()
        return self._update("SettleUnreported", failed, condition_expression=OWN_CONDITION)

    def settle_skipped(self) -> tasks.DynamoUpdateItem:
        """Settle a version that a newer one replaced, claimed or not. An item of another execution stays unchanged.

        A claim that ends so was no try: a backfill may list a replaced file many times.
        """
        skipped = _status_attributes("skipped") | _texts(message="$.file.skipped")
        new_or_own = f"attribute_not_exists(#status) OR {OWN_CONDITION}"
        return self._update(
            "SettleSkipped",
            skipped,
            keep=_version_attributes(),
            remove=("lease_until", "tries"),
            condition_expression=new_or_own,
        )

    def _update(
        self,
        state: str,
        write: Values,
        *,
        keep: Values | None = None,
        move: Mapping[str, str] | None = None,
        remove: tuple[str, ...] = ("lease_until",),
        count: str = "",
        compare: Values | None = None,
        **properties: Any,
    ) -> tasks.DynamoUpdateItem:
        """Return a state that updates the version's item.

        All names are placeholders, since DynamoDB reserves many, such as `status`.

        Args:
            state: The state's name.
            write: Attributes to set.
            keep: Attributes to set only if the item does not have them.
            move: Attributes to set to the value that another attribute had before, "" if it had none.
            remove: Names of attributes to remove.
            count: The name of an attribute to increase by one, if any.
            compare: Values that only the condition uses.
            **properties: Further properties of the task.
        """
        keep, move = keep or {}, move or {}
        assignments = [f"#{name} = if_not_exists(#{former}, :none)" for name, former in move.items()]
        assignments += [f"#{name} = :{name}" for name in write]
        assignments += [f"#{name} = if_not_exists(#{name}, :{name})" for name in keep]
        none = {"none": Value.from_string("")} if move else {}
        one = {"one": Value.from_number(1)} if count else {}
        values = {**write, **keep, **none, **one, **(compare or {})}
        increase, counts = (f" ADD #{count} :one", (count,)) if count else ("", ())
        update = tasks.DynamoUpdateItem(
            self._scope,
            state,
            table=self._table,
            key=_key(),
            update_expression=(
                f"SET {', '.join(assignments)} REMOVE {', '.join(f'#{name}' for name in remove)}{increase}"
            ),
            expression_attribute_names={f"#{name}": name for name in (*write, *keep, *move, *remove, *counts)},
            expression_attribute_values={f":{name}": value for name, value in values.items()},
            result_path=sfn.JsonPath.DISCARD,
            **properties,
        )
        self._retry(update)
        return update

    def _retry(self, task: sfn.TaskStateBase) -> None:
        retry(task, [AWS_CONDITION_FAILED_ERROR], attempts=0, settings=self._settings)
        wait_for_service(task, "DynamoDB", settings=self._settings)
        retry(task, ["States.ALL"], attempts=self._settings.transient_attempts, settings=self._settings)


def _key() -> dict[str, Value]:
    return _texts(object="$.file.claim.object", version="$.file.claim.version")


def _claim_attributes() -> dict[str, Value]:
    return _status_attributes("claimed") | _texts(claimed_at="$.file.claim.now", lease_until="$.file.claim.lease_until")


def _status_attributes(status: str) -> dict[str, Value]:
    """Return the attributes of every write; status and time are the key of the index `CHANGES`."""
    change = _texts(execution="$.execution.id", changed_at="$$.State.EnteredTime")
    return change | {"status": Value.from_string(status)}


def _version_attributes() -> dict[str, Value]:
    """Return the attributes of a version that never change.

    They are kept once set, since an input may lack the sequencer that an earlier one had.
    """
    claim = _texts(sequencer="$.file.claim.sequencer") | {"last_modified": _number("$.file.claim.last_modified")}
    return claim | _texts(load_id="$.file.load_id", dataset="$.file.dataset", etag="$.file.etag")


def _texts(**paths: str) -> dict[str, Value]:
    return {name: Value.from_string(sfn.JsonPath.string_at(path)) for name, path in paths.items()}


def _failure() -> dict[str, Value]:
    return _texts(error="$.failure.error", message="$.failure.message", report="$.failure.report")


def _points(path: str) -> dict[str, Value]:
    return {name: _number(f"{path}.{fate}") for name, fate in POINT_ATTRIBUTES.items()}


def _footprint(path: str) -> dict[str, Value]:
    return _texts(**{name: f"{path}.{key}" for name, key in FOOTPRINT_ATTRIBUTES.items()})


def _number(path: str) -> Value:
    """DynamoDB takes numbers as text."""
    return Value.number_from_string(sfn.JsonPath.format("{}", sfn.JsonPath.string_at(path)))
