"""What an execution environment must not share with others that start from the same SnapStart snapshot."""

import random
from contextlib import suppress

from aws_lambda_powertools import Logger


def renew_after_restore(logger: Logger) -> None:
    """Make Lambda call `renew` whenever it starts an environment from a snapshot.

    Only Lambda's runtimes that support SnapStart have the package for this.
    """
    with suppress(ImportError):
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415 - not everywhere

        register_after_restore(renew, logger)


def renew(logger: Logger) -> None:
    """Choose new random numbers, so that pauses differ, and decide anew if this environment logs at the DEBUG level."""
    random.seed()
    logger.refresh_sample_rate_calculation()
