"""The CDK app: cdk.json names it, and `cdk synth` and `cdk deploy` run it."""

import os
import sys

from aws_cdk import App

from cli.dataset_check import check_own_datasets
from infra_cdk.config import AppConfig, app_config
from infra_cdk.database import DatabaseStack
from infra_cdk.settings_file import add_file_settings
from infra_cdk.stack import LoaderStack
from shared.errors import SettingsError
from shared.settings import STACK_NAME

DATABASE_STACK_NAME = "InfluxdbDatabase"


def add_stacks(app: App, config: AppConfig) -> None:
    """Add the stacks that are configured."""
    if config.database:
        DatabaseStack(app, DATABASE_STACK_NAME, config=config.database)
    if config.loader:
        LoaderStack(app, STACK_NAME, config=config.loader)


def main() -> None:
    """Synthesize the stacks, or exit with one line that names the setting to correct."""
    app = App()
    try:
        config = app_config(add_file_settings(app.node.get_all_context()))
    except SettingsError as error:
        sys.exit(f"configuration: {error}")
    if config.loader and config.loader.storage.datasets:
        os.environ["LOADER_DATASETS"] = config.loader.storage.datasets
    if mistakes := check_own_datasets():
        sys.exit(f"datasets:\n{mistakes}")
    add_stacks(app, config)
    app.synth()


if __name__ == "__main__":
    main()
