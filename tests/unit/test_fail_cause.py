"""The cause of a failed execution, within the limit of Step Functions."""

import json
from typing import Any

import pytest

from shared.fail_cause import MAX_CAUSE, fail_cause


def response(message: str, **data: Any) -> dict[str, Any]:
    """Return the response of a failure."""
    return {"statusCode": 400, "message": message, "data": {"error": "SchemaMismatchError", "report": "r.json", **data}}


@pytest.mark.parametrize(
    "message", ["short", "x" * 40_000, "\n" * 40_000, 'é"' * 30_000], ids=["short", "long", "escaped", "quotes"]
)
def test_a_cause_is_json_within_the_limit(message: str) -> None:
    cause = fail_cause(response(message, fields_left_out={"a": 1}))
    assert len(cause) <= MAX_CAUSE
    shortened = json.loads(cause)
    assert shortened["message"][:5] == message[:5]
    assert shortened["data"] == response("", fields_left_out={"a": 1})["data"]


def test_a_cause_within_the_limit_is_the_whole_response() -> None:
    longest = response("x" * (MAX_CAUSE - len(json.dumps(response("")))))
    assert (len(fail_cause(longest)), json.loads(fail_cause(longest))) == (MAX_CAUSE, longest)


def test_data_that_alone_is_too_long_is_left_to_the_report() -> None:
    cause = json.loads(fail_cause(response("no region", fields_left_out={"x" * 200 + str(n): n for n in range(300)})))
    assert cause["message"].startswith("no region")
    assert cause["data"] == {"error": "SchemaMismatchError", "report": "r.json"}
