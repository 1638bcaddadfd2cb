"""The file with the settings of a deployment, which is not tracked: `loader.toml`, beside `loader.example.toml`.

`-c key=value` overrides a setting of the file, and `-c settings_file=PATH` names another file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from infra_cdk.archives import ROOT
from shared.errors import SettingsError

SETTINGS_FILE = "loader.toml"
FILE_KEY = "settings_file"


def add_file_settings(context: Mapping[str, object], root: Path = ROOT) -> Mapping[str, object]:
    """Return the CDK context with the settings of the file, which the context overrides.

    Args:
        context: The CDK context.
        root: The folder that relative paths start from.

    Raises:
        SettingsError: The file that the context names does not exist, or the file is not valid TOML.
    """
    name = str(context.get(FILE_KEY) or "")
    file = root / (name or SETTINGS_FILE)
    if name and not file.is_file():
        raise SettingsError(f"{FILE_KEY} is {name!r}, which is not a file: use the path of a file on this machine")
    settings = _read(file) if file.is_file() else {}
    return settings | {key: value for key, value in context.items() if key != FILE_KEY}


def _read(file: Path) -> dict[str, object]:
    try:
        settings = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file.name} is not valid TOML: {error}; see loader.example.toml") from error
    return {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in settings.items()}
