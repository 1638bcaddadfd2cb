"""The attributes in which a sweep records what the next sweeps need not look at again."""

from shared.ledger import ledger, tolerate_unmet_condition
from shared.ledger_items import ItemKey


def record(name: ItemKey, execution: str, attribute: str, value: str | bool) -> None:  # noqa: FBT001 - what is stored
    """Set the attribute of a version, unless another execution has claimed it since. The next claim removes it."""
    with tolerate_unmet_condition():
        ledger().update_item(
            Key=name._asdict(),
            UpdateExpression="SET #attribute = :value",
            ConditionExpression="#execution = :execution",
            ExpressionAttributeNames={"#attribute": attribute, "#execution": "execution"},
            ExpressionAttributeValues={":value": value, ":execution": execution},
        )
