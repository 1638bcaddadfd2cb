"""The time limits of a load, in this order: a wait for InfluxDB, the execution, its claim in the ledger."""

from infra_cdk.context import Context
from shared.errors import SettingsError
from shared.settings import LEASE_SECONDS, OUTAGE_PATIENCE, integer
from state_machine.settings import MachineSettings

LOAD_LIMIT_S = MachineSettings.timeout_hours * 3600
"""The seconds after which Step Functions stops an execution."""


def outage_patience(context: Context) -> int:
    """Return how many seconds a load waits for InfluxDB. Raises SettingsError."""
    seconds = integer(context, "outage_patience", default=OUTAGE_PATIENCE, minimum=0)
    if seconds >= LOAD_LIMIT_S:
        raise SettingsError(
            f"outage_patience is {seconds}, but a load is stopped after {LOAD_LIMIT_S} seconds: use fewer seconds, so "
            "that it ends by itself and reports what it waited for"
        )
    return seconds


def lease_seconds(context: Context) -> int:
    """Return how many seconds a claim holds. Raises SettingsError."""
    seconds = integer(context, "lease_seconds", default=LEASE_SECONDS, minimum=1)
    if seconds <= LOAD_LIMIT_S:
        raise SettingsError(
            f"lease_seconds is {seconds}, but a load may take {LOAD_LIMIT_S} seconds: use more seconds, so that no "
            "other execution loads the same version meanwhile"
        )
    return seconds
