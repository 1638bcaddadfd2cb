"""`make cloud`: the local cloud with the app in it, for a person to try the commands on."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event

from cli.output import console, step
from local.cloud import LocalCloud, local_cloud
from local.influxdb.engine import EngineUnavailableError
from local.process import ProcessError
from shared.errors import SettingsError


def stay(cloud: LocalCloud) -> None:
    """Say how to find it, until Ctrl-C."""
    console.print("\nIn a second terminal:\n")
    for name, value in cloud.environment.items():
        console.print(f"export {name}={value}", soft_wrap=True)
    console.print("export PATH=$PWD/.venv/bin:$PATH\nloader --help\n\nCtrl-C ends it; nothing is kept.")
    Event().wait()


@contextmanager
def tidy_end() -> Iterator[None]:
    """SIGTERM and a closed terminal end as Ctrl-C does; what a person can mend is told without a stack trace."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        yield
    except (EngineUnavailableError, ProcessError, SettingsError, TimeoutError) as error:
        console.print(f"[red]{type(error).__name__}:[/] {error}")
        sys.exit(1)


def main() -> None:
    """Run the command."""
    with tidy_end(), suppress(KeyboardInterrupt), ExitStack() as running:
        with step("starting AWS emulator and InfluxDB"):
            cloud = running.enter_context(local_cloud())
        with step("cdk bootstrap, cdk deploy"):
            cloud.deploy()
        stay(cloud)


if __name__ == "__main__":
    main()
