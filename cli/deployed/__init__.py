"""Access to a deployment: its stack, executions, ledger, reports, quarantine and staged chunks."""
