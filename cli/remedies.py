"""The runbook's section about an error that ended a load: why it happened, what to do now, and the commands.

docs/operations.md is the only runbook. The reports of loads quote the same sections.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rich.text import Text

from cli.documents import document
from cli.output import console, quantity
from functions.report_load.runbook import Section, section
from shared.errors import LoaderError, can_heal, subclasses

RUNBOOK = document("operations.md")
"""Where the runbook is."""

ERRORS = {error.__name__: error for error in subclasses(LoaderError)}

BUCKETS = {"SOURCE", "WORK"}
"""The variables of the runbook's commands whose values a command knows."""

INDENT = 12
"""The width of the labels, so that the texts are aligned."""


def remedy(error: str) -> str:
    """Return what to do about a load that ended with `error`, the name of an error class, on one line."""
    return section(error, {}).who_acts


def show_remedies(errors: Iterable[str], facts: Mapping[str, str] = MappingProxyType({})) -> None:
    """Print the section about each error, the most frequent first.

    Args:
        errors: The names of errors that ended loads.
        facts: The values for the placeholders and BUCKETS in the commands, by name, for the errors of one load.
    """
    counts = Counter(errors).most_common()
    for error, count in counts:
        files = f" ({quantity(count, 'file')})" if count > 1 else ""
        console.print(Text.assemble((error, "red"), files), soft_wrap=True)
        _show(section(error, facts), facts)
    if any(can_heal(error) for error, _ in counts):
        console.print("Then `loader retry` loads all files again whose errors can heal.", soft_wrap=True)
    if counts:
        console.print(f"(from the runbook, {RUNBOOK})", style="dim", soft_wrap=True)


def _show(entry: Section, facts: Mapping[str, str]) -> None:
    for label, text in (("why", entry.meaning), ("what now", entry.who_acts)):
        _print(label, [line.plain for line in Text(text).wrap(console, console.width - INDENT)])
    command = entry.command
    for name in BUCKETS & facts.keys():
        command = command.replace(f"${name}", facts[name])
    _print("commands", command.splitlines())


def _print(label: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        prefix = f"  {label}" if number == 0 else ""
        console.print(Text.assemble((prefix.ljust(INDENT), "dim"), line.rstrip()), soft_wrap=True)
