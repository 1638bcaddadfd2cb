"""The names of the Lambda functions: each is its folder under `functions/`, and in PascalCase its state."""

from typing import Literal, get_args

LoadFunctionName = Literal[
    "check_health", "validate_schema", "convert_and_chunk", "register_load", "write_batch", "report_load", "find_stale"
]
"""A function that the loader state machine calls."""

BackfillFunctionName = Literal["list_files", "report_backfill"]
"""A function that only the backfill state machine calls."""

DeletionFunctionName = Literal["delete_points"]
"""The function that deletes points. Only commands call it."""

FunctionName = Literal[LoadFunctionName, BackfillFunctionName, DeletionFunctionName]

LOAD_FUNCTIONS: tuple[LoadFunctionName, ...] = get_args(LoadFunctionName)
BACKFILL_FUNCTIONS: tuple[BackfillFunctionName, ...] = get_args(BackfillFunctionName)
DELETION_FUNCTIONS: tuple[DeletionFunctionName, ...] = get_args(DeletionFunctionName)
FUNCTION_NAMES: tuple[FunctionName, ...] = get_args(FunctionName)


def pascal_case(name: FunctionName) -> str:
    """Return the name as states, constructs and stack outputs spell it: `check_health` becomes `CheckHealth`."""
    return name.title().replace("_", "")
