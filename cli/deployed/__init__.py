"""What the commands read of a deployment: its stack, executions, ledger, reports and staged objects."""
