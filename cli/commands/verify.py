"""`loader verify`: compare the points that loads sent with the points that InfluxDB stores.

`_verify_load` verifies one load and describes every difference. `_verify_prefix` verifies the last load of each file
under a prefix, and prints one line for each.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.text import Text

from cli.completion import complete_load_or_prefix
from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.ledger import Entry, entries, filter_of
from cli.deployed.names import find_report, undone_message
from cli.deployed.reports import Report, load_report
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, QueryError, RefusedError
from cli.listing import Column, Line
from cli.moments import iso_time
from cli.options import AsJson, Stack
from cli.output import console, line_of, listing, progress, quantity, show_json, status
from cli.targets import parse_prefix
from shared.ledger import object_name
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.comparison import Window
    from cli.deployed.stale import StaleCounts
    from cli.verification import Verification, Verifier

MAX_ROWS = 20
"""How many differing windows and how many differences to print. `--json` has all windows, each with its first five."""

DIFFERS, NOT_VERIFIED = 1, 2
"""Exit statuses: something differs; nothing differs, but at least one load, or its stale points, were not checkable."""

Loads = Annotated[
    str,
    typer.Argument(
        metavar="LOAD|PREFIX",
        help="A load ID or its first characters, or the name or ARN of an execution; or, with a / or =, a prefix of "
        "keys (or s3://BUCKET/PREFIX), which verifies the last load of each file under it.",
        autocompletion=complete_load_or_prefix,
    ),
]
Sample = Annotated[
    int | None,
    typer.Option("--sample", help="Compare only this many windows of each load, chosen at random.", min=1),
]


class _Result(NamedTuple):
    """The result for one file under a prefix; without a verification, `reason` says why."""

    entry: Entry
    verification: "Verification | None"
    reason: str = ""

    @property
    def verdict(self) -> str:
        """One word for the line of the file."""
        if self.verification is None:
            return "unverified"
        return _verdict(self.verification)


def _verdict(verification: "Verification") -> str:
    if verification.superseded:
        return "superseded"
    return "differs" if verification.differing else "equal"


def verify(load: Loads, *, sample: Sample = None, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Compare the points that loads sent with the points that InfluxDB stores.

    Queries InfluxDB for the series that were sent. This machine must be able to reach InfluxDB. The exit status is 1 if
    a value is missing or changed, or if there are stale points, and 2 if InfluxDB does not answer or stale points are
    not checkable.
    """
    # This import loads pyarrow, for which other commands need not wait.
    from cli.verification import Verifier  # noqa: PLC0415

    deployment = Deployment(stack)
    use_deployed_datasets(deployment)
    if "/" in load or "=" in load:
        _verify_prefix(deployment, Verifier, load, sample, as_json=as_json)
    else:
        _verify_load(deployment, Verifier, load, sample, as_json=as_json)


def _verify_load(
    deployment: Deployment, verifier: "type[Verifier]", load: str, sample: int | None, *, as_json: bool
) -> None:
    report = find_report(deployment, load)
    if message := undone_message(deployment, report):
        raise RefusedError(f"there is nothing to verify: {message}")
    with _tracking() as track:
        verification = verifier(deployment).verify(report, sample, track)
    key = report.data["key"]
    address = object_name(report.data["bucket"], key)
    stale = _count_stale(deployment, key, address.__eq__)
    if as_json:
        windows = [_window(window) for window in verification.windows]
        show_json({"windows": windows, **_stale_summary(stale, address)})
    else:
        _show(verification, address)
        _show_stale(stale, key, differs=bool(verification.differing))
    differs = bool(verification.differing or stale.points)
    raise typer.Exit(DIFFERS if differs else NOT_VERIFIED if stale.doubts else 0)


def _verify_prefix(
    deployment: Deployment, verifier: "type[Verifier]", prefix: str, sample: int | None, *, as_json: bool
) -> None:
    results = []
    for result in _verify_entries(deployment, verifier(deployment), _last_loads(deployment, prefix), sample):
        results.append(result)
        if not as_json:
            console.print(_line(deployment, result), soft_wrap=True)
    verdicts, address = [result.verdict for result in results], parse_prefix(prefix, deployment.source_bucket)
    stale = _count_stale(deployment, address.prefix, lambda name: name.startswith(address.address))
    if as_json:
        show_json([_summary(result) | _stale_summary(stale, result.entry.object) for result in results])
    else:
        console.print(_total(verdicts))
        _show_stale(stale, address.prefix, differs="differs" in verdicts)
    differs, is_incomplete = "differs" in verdicts or stale.points, "unverified" in verdicts or stale.doubts
    raise typer.Exit(DIFFERS if differs else NOT_VERIFIED if is_incomplete else 0)


def _count_stale(deployment: Deployment, prefix: str, is_selected: Callable[[str], bool]) -> "StaleCounts":
    # This import loads pyarrow, for which other commands need not wait.
    from cli.deployed.stale import count_stale  # noqa: PLC0415

    return count_stale(deployment, prefix, is_selected)


def _stale_summary(stale: "StaleCounts", name: str) -> dict[str, Any]:
    return {"stale": stale.points.get(name, 0), "stale_not_checked": stale.doubts.get(name, "")}


def _show_stale(stale: "StaleCounts", prefix: str, *, differs: bool) -> None:
    """Say that InfluxDB has more points than the current files, if it has, or that it may have more."""
    verdict, command = "" if differs else "equal, but ", f"`loader stale {shlex.quote(prefix)}`"
    if count := sum(stale.points.values()):
        console.print(f"{verdict}{quantity(count, 'stale point')}: {command}", soft_wrap=True, markup=False)
    if stale.doubts:
        files, reason = quantity(len(stale.doubts), "file"), "; ".join(sorted(set(stale.doubts.values())))
        text = f"{verdict}stale points of {files} were not all checked: {reason}. {command} has more"
        console.print(text, soft_wrap=True, markup=False)


def _last_loads(deployment: Deployment, prefix: str) -> list[Entry]:
    """Return the last load of each object under `prefix`, in order of their names.

    Of several versions of an object, the one that was loaded last is the one that InfluxDB stores.
    """
    last: dict[str, Entry] = {}
    for entry in entries(deployment, filter_of(deployment, prefix, status="loaded")):
        last.setdefault(entry.object, entry)
    if not last:
        raise NotFoundError(
            f"no file under {prefix!r} is loaded: `loader history {shlex.quote(prefix)}` lists all loads"
        )
    return [last[name] for name in sorted(last)]


def _verify_entries(
    deployment: Deployment, verifier: "Verifier", loads: list[Entry], sample: int | None
) -> Iterator[_Result]:
    """Verify one load after the other. An error of InfluxDB ends it: it would concern the other loads too."""
    for entry in loads:
        try:
            report = Report(key=entry.report, content=load_report(deployment, entry.report))
            with _tracking() as track:
                verification = verifier.verify(report, sample, track)
            yield _Result(entry, verification)
        except QueryError:
            raise
        except RefusedError as error:
            yield _Result(entry, None, str(error))


@contextmanager
def _tracking() -> "Iterator[Callable[[str, int], Callable[[int], None]]]":
    """Yield a function that starts a progress bar and returns the function that advances it."""
    with progress() as bar:

        def track(description: str, total: int) -> Callable[[int], None]:
            task = bar.add_task(description, total=total)
            return lambda count: bar.advance(task, count)

        yield track


def _window(window: "Window") -> dict[str, Any]:
    return {
        "first_ns": window.first_ns,
        "end_ns": window.end_ns,
        "sent": window.sent,
        "found": window.stored,
        "sent_hash": window.sent_hash,
        "found_hash": window.stored_hash,
        "missing": window.missing,
        "changed": window.changed,
        "differences": window.differences,
        "equal": window.equal,
    }


def _summary(result: _Result) -> dict[str, Any]:
    content = {"object": result.entry.object, "load_id": result.entry.load_id, "verdict": result.verdict}
    if result.verification is None:
        return content | {"reason": result.reason}
    windows, differing = result.verification.windows, result.verification.differing
    return content | {
        "windows": result.verification.windows_total,
        "windows_compared": len(windows),
        "sent": sum(window.sent for window in windows),
        "missing": sum(window.missing for window in windows),
        "changed": sum(window.changed for window in windows),
        "differing": [_window(window) for window in differing],
    }


def _line(deployment: Deployment, result: _Result) -> Line:
    """Return the line of one file."""
    name = result.entry.object.removeprefix(f"s3://{deployment.source_bucket}/")
    details = result.reason if result.verification is None else _counts(result.verification)
    return line_of(status(result.verdict), result.entry.load_id[:8], name, Text(details, "dim"))


def _total(verdicts: list[str]) -> str:
    words = {"equal": "equal", "differs": "differing", "unverified": "not verified"}
    if "superseded" in verdicts:
        words["superseded"] = "superseded"
    counts = (f"{verdicts.count(verdict):,} {word}" for verdict, word in words.items())
    return f"{quantity(len(verdicts), 'file')}: {', '.join(counts)}"


def _counts(verification: "Verification") -> str:
    if verification.superseded:
        return f"nothing to verify: newer files have values for {verification.superseded}"
    windows, differing = verification.windows, verification.differing
    values = quantity(sum(window.sent for window in windows), "value")
    total = verification.windows_total
    of_all = quantity(total, "window") if len(windows) == total else f"{len(windows):,} of {quantity(total, 'window')}"
    if not differing:
        return f"{values} in {of_all}"
    return f"{values} in {of_all}; {quantity(len(differing), 'window')} with differences"


def _show(verification: "Verification", address: str) -> None:
    differing = verification.differing
    console.print(Text.assemble(status(_verdict(verification)), f"  {_counts(verification)}"))
    if not differing:
        return
    _show_windows(differing)
    differences = [difference for window in differing for difference in window.differences]
    for difference in differences[:MAX_ROWS]:
        console.print(Text(difference), soft_wrap=True)
    command = f"loader load {shlex.quote(address)} --force"
    advice = f"A later load may have overwritten them (see `loader history`). To write them again, run `{command}`."
    console.print(Text(advice), soft_wrap=True)


def _show_windows(differing: "list[Window]") -> None:
    hashes = [Column(header, optional=True) for header in ("hash sent", "hash stored")]
    table = listing("from", "to", "#sent", "#stored", "#missing", "#changed", *hashes)
    for window in differing[:MAX_ROWS]:
        counts = (f"{count:,}" for count in (window.sent, window.stored, window.missing, window.changed))
        times = (iso_time(window.first_ns), iso_time(window.end_ns))
        table.add_row(*times, *counts, window.sent_hash, window.stored_hash)
    console.print(table)
    if len(differing) > MAX_ROWS:
        more = quantity(len(differing) - MAX_ROWS, "more window")
        console.print(
            f"{more} {'has' if len(differing) == MAX_ROWS + 1 else 'have'} differences; --json lists them all."
        )
