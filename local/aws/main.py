"""The process of the AWS emulator: ministack with patches. It runs in its own environment, build/venvs/emulator."""

import sys
from importlib.metadata import version

PATCHED_VERSION = "1.5.33"
"""The patches replace internals of ministack, so they fit this version only."""


def main() -> None:
    """Patch ministack and serve until killed."""
    if (installed := version("ministack")) != PATCHED_VERSION:
        sys.exit(f"local/aws patches the internals of ministack {PATCHED_VERSION}, but {installed} is installed")
    from ministack.app import main as serve  # noqa: PLC0415 - the version is checked before this import

    from local.aws.calls import record_calls  # noqa: PLC0415
    from local.aws.concurrency import (  # noqa: PLC0415
        count_usage,
        keep_processes_of_former_settings,
        limit_processes,
    )
    from local.aws.gaps import close_gaps  # noqa: PLC0415
    from local.aws.lambda_runtime import run_python_functions_by_runtime_client  # noqa: PLC0415
    from local.aws.maps import patch_maps  # noqa: PLC0415
    from local.aws.retries import patch_retries  # noqa: PLC0415
    from local.aws.roles import switch_roles_by_signal  # noqa: PLC0415

    close_gaps()
    patch_maps()
    patch_retries()
    run_python_functions_by_runtime_client()
    keep_processes_of_former_settings()
    limit_processes()
    count_usage()
    switch_roles_by_signal()
    record_calls()
    serve()


if __name__ == "__main__":
    main()
