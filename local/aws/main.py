"""The emulator's process: ministack with our changes. Runs in build/venvs/emulator, which has nothing else."""

import sys
from importlib.metadata import version

CHANGED_VERSION = "1.5.33"
"""The changes reach into ministack's internals, so they fit this version only."""


def main() -> None:
    """Serve until killed."""
    if (found := version("ministack")) != CHANGED_VERSION:
        sys.exit(f"local/aws changes the internals of ministack {CHANGED_VERSION}, and this is {found}")
    from ministack.app import main as serve  # noqa: PLC0415 - importing it is what the check comes before

    from local.aws.distributed_maps import mend_distributed_maps  # noqa: PLC0415
    from local.aws.gaps import close_gaps  # noqa: PLC0415
    from local.aws.lambda_runtime import run_python_functions_by_runtime_client  # noqa: PLC0415
    from local.aws.roles import switch_roles_by_signal  # noqa: PLC0415

    close_gaps()
    mend_distributed_maps()
    run_python_functions_by_runtime_client()
    switch_roles_by_signal()
    serve()


if __name__ == "__main__":
    main()
