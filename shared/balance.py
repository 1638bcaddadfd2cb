"""The check that the counts of a load balance: each row and each point is counted exactly once."""

from shared.errors import AccountingError
from shared.load_totals import Outcomes


def check_accounts(outcomes: Outcomes, rows: int) -> None:
    """Check that a load that ends well counted each row of the file exactly once, and sent each point.

    Args:
        outcomes: The outcomes of the load.
        rows: The number of rows that the footer states.

    Raises:
        AccountingError: The numbers differ.
    """
    converted = sum(part["rows"] for part in outcomes.parts)
    sent = outcomes.accounts.points - outcomes.accounts.not_sent
    difference = find_difference(outcomes)
    incomplete = outcomes.unwritten_chunks
    if difference or incomplete or rows != converted or sent != outcomes.points:
        raise AccountingError(
            f"the file has {rows} rows, {converted} were converted; {outcomes.points} points were staged, {sent} were "
            f"sent; {difference or f'{len(incomplete)} chunks are incomplete'}: report this as a bug"
        )


def find_difference(outcomes: Outcomes) -> str:
    """Return which counts do not add up, or "". Checked at every end: a load that failed counts what it converted.

    Rows are points, collapsed or set aside; points are stored, rejected, superseded, not sent
    or unknown.
    """
    rows = sum(part["rows"] for part in outcomes.parts)
    counted = outcomes.points + outcomes.collapsed + sum(outcomes.set_aside.values())
    if rows != counted:
        return f"of {rows} converted rows, {counted} are accounted for"
    if outcomes.points != outcomes.accounts.points:
        return f"of {outcomes.points} points, {outcomes.accounts.points} are accounted for"
    return ""
