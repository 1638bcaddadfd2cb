"""`cdk synth`, `cdk deploy`: the app that cdk.json names."""

import sys
from dataclasses import fields

from aws_cdk import App

from infra_cdk.config import LoaderConfig, loader_config
from infra_cdk.stack import LoaderStack
from shared.errors import SettingsError

STACK_NAME = "InfluxdbLoader"


def main() -> None:
    """Synthesize; a configuration that cannot be deployed ends it with one line that names the key."""
    app = App()
    try:
        config = loader_config({field.name: app.node.try_get_context(field.name) for field in fields(LoaderConfig)})
    except SettingsError as error:
        sys.exit(f"configuration: {error}")
    LoaderStack(app, STACK_NAME, config=config)
    app.synth()


if __name__ == "__main__":
    main()
