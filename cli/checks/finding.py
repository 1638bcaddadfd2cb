"""The result of one check."""

from typing import Literal, NamedTuple

Verdict = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        verdict: A `warning` is something that only a person can judge. A `problem` keeps files from being loaded, or
            the operator from noticing it, or the check could not be made.
        detail: What is the case.
        advice: What to do next; "" if the verdict is `ok`.
    """

    verdict: Verdict
    detail: str
    advice: str = ""


def ok(detail: str) -> Finding:
    """Return a finding about something that is as it should be."""
    return Finding("ok", detail)


def problem(detail: str, advice: str) -> Finding:
    """Return a finding about something that has to be corrected."""
    return Finding("problem", detail, advice)
