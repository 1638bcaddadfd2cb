"""`make cloud`: a local cloud with the app deployed, to try the `loader` commands on."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event

from cli.output import console, step
from infra_cdk.settings_file import FILE_KEY
from local.cloud import LocalCloud, local_cloud
from local.influxdb.engine import EngineUnavailableError
from local.process import ProcessError
from shared.errors import SettingsError
from shared.settings import STACK_NAME


def wait_for_interrupt(cloud: LocalCloud) -> None:
    """Print how to use the cloud from another terminal, and wait for Ctrl-C."""
    console.print("\nThe local cloud is ready. In a second terminal, run:\n")
    for name, value in cloud.environment.items():
        console.print(f"export {name}={value}", soft_wrap=True)
    console.print("export PATH=$PWD/.venv/bin:$PATH\nloader --help\n")
    console.print(_influxdb_usage(cloud), soft_wrap=True, markup=False)
    console.print(
        f"\nTo deploy again, for example after a change of datasets.toml:\n\n{how_to_deploy(cloud)}", soft_wrap=True
    )
    console.print("\nPress Ctrl-C to stop it; all its data is deleted.")
    with suppress(KeyboardInterrupt):
        Event().wait()


def how_to_deploy(cloud: LocalCloud) -> str:
    """Return the command that deploys the app again, with the settings in the file that it names."""
    return f"node_modules/.bin/cdk deploy {STACK_NAME} -c {FILE_KEY}={cloud.settings_file}"


def _influxdb_usage(cloud: LocalCloud) -> str:
    """Return where InfluxDB is, and a command that queries it. The token of a server of your own is not shown."""
    influx = cloud.influx
    token = influx.token if cloud.influxdb else "$INFLUXDB_TOKEN"
    query = "SELECT * FROM generation_data ORDER BY time DESC LIMIT 3"
    return (
        f"InfluxDB: URL {influx.url}, organization {influx.org}, bucket {influx.bucket}, token {token}\n\n"
        f'curl -sG {influx.url}/query -H "Authorization: Token {token}" \\\n'
        f'  --data-urlencode db={influx.bucket} --data-urlencode "q={query}"'
    )


@contextmanager
def clean_exit() -> Iterator[None]:
    """Clean up on SIGTERM and SIGHUP as on Ctrl-C, and print errors that the user can fix without a stack trace.

    Raises:
        SystemExit: With status 1 after such an error, or 128 + the number of the signal.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signal_number, _: sys.exit(128 + signal_number))
    try:
        yield
    except (EngineUnavailableError, ProcessError, SettingsError, TimeoutError) as error:
        console.print(f"[red]{type(error).__name__}:[/] {error}")
        sys.exit(1)


def main() -> None:
    """Run the command."""
    with clean_exit(), suppress(KeyboardInterrupt), ExitStack() as running:
        with step("Starting the AWS emulator and InfluxDB"):
            cloud = running.enter_context(local_cloud())
        with step("Deploying with cdk bootstrap and cdk deploy"):
            cloud.deploy()
        with suppress(KeyboardInterrupt):
            wait_for_interrupt(cloud)
        console.print(f"\n{cloud.emulator.usage()}")


if __name__ == "__main__":
    main()
