"""Loads by the names that operators use: a load ID, an execution, or a key, each also by its first characters.

`find_report` finds the report of a load. The keys of the work bucket have the load IDs (`_key_of_load`); Step Functions
knows executions, and the ledger the other names (`find_entry`). `suggest_load` compares a mistyped name with them.
"""

from collections.abc import Sequence
from itertools import islice

from cli.close_matches import only_match, suggestion
from cli.deployed.executions import Execution, describe, find_execution
from cli.deployed.ledger import Entry, Filter, entries, ledger_items
from cli.deployed.reports import Report, load_report, reports
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.targets import parse_prefix
from shared.datasets import DATASETS
from shared.ledger import LedgerItem, object_name
from shared.work_bucket import UNPLANNED

MAX_RECENT = 1_000
"""How many of the last loads to look at for the first characters of a name."""

MAX_COMPARED = 300
"""How many of the last loads to compare with a mistyped name."""


MIN_DIGITS = 4
"""How many characters of a load ID suffice to look for it."""


def find_report(deployment: Deployment, load: str) -> Report:
    """Return the report of a load.

    Args:
        deployment: The stack that loaded it.
        load: The first characters of a load ID (its last execution counts), of the name of an execution, or of a key
            (its last load counts), or the ARN of an execution.

    Raises:
        NotFoundError: There is no such load or execution, or it has no report.
        RefusedError: Several load IDs start with `load`, or the execution is still running.
    """
    key = _key_of_load(deployment, load) or _key_of_name(deployment, load)
    return Report(key=key, content=load_report(deployment, key))


def item_of(deployment: Deployment, report: Report) -> LedgerItem | None:
    """Return the ledger's item of the version that a report is about; None if the ledger does not have it."""
    data = report.data
    items = ledger_items(deployment, object_name(data.get("bucket", ""), data.get("key", "")))
    own = [each for each in items if each["load_id"] == data.get("load_id")]
    return max(own, key=lambda each: each["changed_at"], default=None)


def undone_message(deployment: Deployment, report: Report) -> str:
    """Return when the load of a report was undone, and by whom; "" if it was not."""
    item = item_of(deployment, report)
    if item is None or item["status"] != "undone":
        return ""
    return f"{item.get('message', 'undone')} at {item['changed_at'][:19]}Z"


def is_key(text: str) -> bool:
    """Return whether a text is a key, or an address of an object, and not an ID or the name of an execution."""
    return "/" in text or ("=" in text and not text.startswith("arn:"))


def find_entry(deployment: Deployment, text: str) -> Entry | None:
    """Return the last load of the file, or the load of the execution, whose name starts with `text`; None if none does.

    Raises:
        RefusedError: The names of several start with `text`.
    """
    if not is_key(text):
        recent = islice(entries(deployment, Filter()), MAX_RECENT)
        return only_match(text, {_execution(entry): entry for entry in recent}, "executions")
    address = parse_prefix(text, deployment.source_bucket).address
    last: dict[str, Entry] = {}
    for entry in islice(entries(deployment, Filter(objects=address)), MAX_RECENT):
        last.setdefault(entry.object, entry)
    return only_match(address, last, "files")


def suggest_load(deployment: Deployment, text: str) -> str:
    """Return a question with the recent loads whose IDs, executions, or keys are close to `text`; "" if none is."""
    recent = list(islice(entries(deployment, Filter()), MAX_COMPARED))
    return suggestion(text.rpartition(":")[2] if text.startswith("arn:") else text, _names(deployment, recent))


def _names(deployment: Deployment, recent: Sequence[Entry]) -> list[str]:
    ids = [entry.load_id[:8] for entry in recent if entry.load_id]
    keys = [entry.object.removeprefix(f"s3://{deployment.source_bucket}/") for entry in recent]
    return [*ids, *map(_execution, recent), *keys]


def _execution(entry: Entry) -> str:
    return entry.execution.rpartition(":")[2]


def _key_of_load(deployment: Deployment, load: str) -> str:
    if len(load) < MIN_DIGITS or set(load) - set("0123456789abcdef"):
        return ""
    prefixes = [*(f"{dataset}/{load}" for dataset in (*DATASETS, UNPLANNED)), f"{UNPLANNED}/{UNPLANNED}/{load}"]
    items = [item for prefix in prefixes for item in reports(deployment, f"reports/{prefix}")]
    loads = {key.removeprefix(f"reports/{UNPLANNED}/{UNPLANNED}/").split("/")[-2:][0] for _, key in items}
    if len(loads) > 1:
        raise RefusedError(f"{len(loads)} load IDs start with {load}, add more characters: {', '.join(sorted(loads))}")
    return max(items)[1] if items else ""


def _key_of_name(deployment: Deployment, text: str) -> str:
    """Return the key of the report of an execution, or of the last load of a file."""
    execution = None if is_key(text) else find_execution(deployment.stepfunctions, deployment.machine, text)
    if execution is None:
        entry = find_entry(deployment, text)
        if entry is None:
            raise NotFoundError(
                f"no load ID, execution, or key starts with {text!r}{suggest_load(deployment, text)}: `loader history` "
                "lists recent loads"
            )
        if entry.report:
            return entry.report
        execution = describe(deployment.stepfunctions, entry.execution)
    return _key_of_execution(execution)


def _key_of_execution(execution: Execution) -> str:
    name = execution.arn.rpartition(":")[2]
    if not execution.ended:
        raise RefusedError(
            f"{name} is still running, in state {execution.state}: `loader watch {name}` shows its progress"
        )
    data = execution.load_data
    if not (key := data.get("report") if data else ""):
        raise NotFoundError(f"{name} has no report: {execution.message or execution.status}")
    return key
