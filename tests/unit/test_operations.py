"""The runbook has an entry for everything that can end an execution, and for every alarm."""

import re
from pathlib import Path

from shared.aws_errors import AWS_CONDITION_FAILED_ERROR, AWS_ERRORS
from shared.errors import LoaderError, subclasses

RUNBOOK = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NEVER_MATCHED = {
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.Runtime",
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
}
"""AWS error names that can end an execution although no Retry matches them."""

PARTS = ["What it means", "Who acts", "Command"]


def entries() -> dict[str, str]:
    """Return the text of each entry about an error, by heading."""
    page = RUNBOOK[RUNBOOK.index("\n## Data errors") :]
    pieces = re.split(r"^### (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def test_every_error_that_can_end_an_execution_has_an_entry() -> None:
    ours = {error.__name__ for error in subclasses(LoaderError) if not error.__subclasses__()}
    aws = {*AWS_ERRORS, *NEVER_MATCHED} - {"States.ALL", AWS_CONDITION_FAILED_ERROR}
    named = [name for heading in entries() for name in re.findall(r"`(.+?)`", heading)]
    assert sorted(named) == sorted(ours | aws)


def test_every_entry_says_what_it_means_who_acts_and_the_command() -> None:
    for heading, text in entries().items():
        parts = re.split(r"^#### (.+)$", text, flags=re.MULTILINE)[1:]
        assert parts[::2] == PARTS, heading
        assert all(part.strip() for part in parts[1::2]), heading
        assert parts[-1].strip().startswith("```sh\n"), heading


def test_every_error_is_in_the_section_of_those_who_act() -> None:
    sections = dict(re.findall(r"^## (\w+ errors)$(.+?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
    statuses = {"Data errors": 400, "Deployment errors": 500, "Transient errors": 503}
    for error in subclasses(LoaderError):
        if not error.__subclasses__():
            [section] = (title for title, text in sections.items() if f"\n### `{error.__name__}`" in text)
            assert statuses[section] == error.status_code


def test_links_inside_of_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#(.+?)\)", RUNBOOK)) <= anchors
