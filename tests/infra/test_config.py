"""What may be configured, and how a mistake is named."""

import subprocess
import sys
from dataclasses import fields

import pytest

from infra_cdk.config import LoaderConfig, loader_config
from infra_cdk.layers import ROOT
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, default_context


def test_cdk_json_has_every_key() -> None:
    assert {field.name for field in fields(LoaderConfig)} <= default_context().keys()


def test_text_and_typed_values_mean_the_same() -> None:
    typed = default_context() | REQUIRED
    assert loader_config({key: str(value) for key, value in typed.items()}) == loader_config(typed)


@pytest.mark.parametrize("key", REQUIRED)
def test_a_required_key_is_named(key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} is not set"):
        loader_config(default_context() | REQUIRED | {key: ""})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("influxdb_url", "influx.example:8086"),
        ("influxdb_url", "https://user:secret@influx.example"),
        ("max_batch_size", "0"),
        ("max_retries", "-1"),
        ("enable_validation", "yes"),
        ("max_collision_rate", "5"),
        ("architecture", "arm"),
        ("python", "3.9"),
        ("write_concurrency", "0"),
        ("backoff_seconds", "0.5"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} ") as refused:
        loader_config(default_context() | REQUIRED | {key: value})
    assert "secret" not in str(refused.value)


def test_the_app_ends_with_one_line() -> None:
    app = subprocess.run([sys.executable, "-m", "infra_cdk.app"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert app.returncode == 1
    assert app.stderr.splitlines()[-1].startswith("configuration: influxdb_url is not set")
    assert "Traceback" not in app.stderr
