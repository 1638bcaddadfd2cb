"""`loader forget`: withdraw the load of a file that is gone, so that older files may write its points."""

from typing import Annotated

import typer

from cli.deployed.stack import Deployment
from cli.deployed.withdrawal import Withdrawal, find_withdrawal, withdraw
from cli.errors import RefusedError
from cli.options import AsJson, Stack
from cli.output import confirm, console, quantity, show_json
from cli.targets import parse_prefix
from shared.ledger import object_name
from shared.settings import STACK_NAME

Key = Annotated[str, typer.Argument(metavar="KEY|s3://BUCKET/KEY", help="A file that was loaded and deleted since.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def forget(key: Key, *, yes: Yes = False, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Withdraw the load of a deleted file, so that its values no longer supersede those of older files.

    Its points stay in InfluxDB until older files write theirs: the command lists these files. Without `--yes`, it asks
    first.
    """
    deployment = Deployment(stack)
    address = parse_prefix(key, deployment.source_bucket)
    deployment.check_source(address.bucket)
    withdrawal = find_withdrawal(deployment, object_name(address.bucket, address.prefix))
    question = f"Withdraw the load of {withdrawal.item['object']}? {quantity(len(withdrawal.older), 'older file')}"
    if not (yes or confirm(f"{question} may have left out points that it had.")):
        raise RefusedError("nothing was changed: answer y, or add --yes")
    withdraw(deployment, withdrawal)
    if as_json:
        show_json({"object": withdrawal.item["object"], "load_again": withdrawal.older})
    else:
        _show(withdrawal)


def _show(withdrawal: Withdrawal) -> None:
    console.print(f"withdrawn: {withdrawal.item['object']}", soft_wrap=True, markup=False)
    if withdrawal.older:
        console.print("Load these files again, which writes the points that they left out:")
    for name in withdrawal.older:
        console.print(f"loader load '{name}' --force", soft_wrap=True, markup=False)
