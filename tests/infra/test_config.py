"""The settings, and the messages for mistakes in them."""

import re
import subprocess
import sys
from itertools import cycle

import pytest

from functions.convert_and_chunk.chunks import MAX_CHUNK_POINTS, MIN_CHUNK_POINTS
from functions.validate_schema.parts import PART_ROWS
from infra_cdk.archives import ROOT
from infra_cdk.config import KEYS, loader_config
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, VPC, default_context


def test_cdk_json_has_every_key() -> None:
    assert {key for key in default_context() if not key.startswith("@aws-cdk/")} == KEYS


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
        ("influxdb_ca_bundle", "no/such.pem"),
        ("source_bucket_name", "s3://lake"),
        ("source_prefix", "processed/*"),
        ("file_suffixes", "parquet"),
        ("kms_key_arn", "alias/lake"),
        ("decrypt_key_arns", "alias/lake"),
        ("write_reserved_concurrency", "-1"),
        ("lease_seconds", "0"),
        ("lease_seconds", "21600"),
        ("outage_patience", "-1"),
        ("outage_patience", "21600"),
        ("alarm_email", "nobody"),
        ("alarm_hours_without_load", "200"),
        ("log_retention_days", "31"),
        ("debug_sample_rate", "2"),
        ("vpc_id", "my-vpc"),
        ("subnet_ids", "subnet-0a1b2c3d subnet-1a1b2c3d"),
        ("database_peer", "the-database"),
        ("s3_prefix_list_id", "s3"),
        ("s3_route_table_ids", "rtb"),
        ("client_security_group_id", "sg"),
        ("secrets_endpoint_security_group_id", "vpce-0a1b2c3d"),
        ("secrets_endpoint_subnet_ids", "vpce-0a1b2c3d"),
    ],
)
def test_a_wrong_value_is_named(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} ") as refused:
        loader_config(default_context() | REQUIRED | VPC | {key: value})
    assert "user:secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["subnet_ids", "database_peer", "s3_prefix_list_id"])
def test_what_a_vpc_needs_is_named(key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} is not set"):
        loader_config(REQUIRED | VPC | {key: ""})


def test_a_mistyped_key_is_named_with_the_one_that_is_meant() -> None:
    with pytest.raises(SettingsError, match=r"^max_batchsize is not a setting: did you mean max_batch_size\?"):
        loader_config(REQUIRED | {"max_batchsize": "5000", "aws:cdk:version-reporting": "x", "@aws-cdk/core:x": "y"})


def test_the_app_ends_with_one_line() -> None:
    app = subprocess.run([sys.executable, "-m", "infra_cdk.app"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert app.returncode == 1
    assert app.stderr.splitlines()[-1].startswith("configuration: influxdb_url is not set")
    assert "Traceback" not in app.stderr


def test_the_guide_has_a_row_for_every_setting() -> None:
    table = (ROOT / "docs" / "deploy.md").read_text().split("| key | default |")[1].split("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    assert sorted(key for keys, _ in rows for key in re.findall(r"`(\w+)`", keys)) == sorted(KEYS)
    for keys, defaults in rows:
        for key, default in zip(re.findall(r"`(\w+)`", keys), cycle(defaults.strip().split(", ")), strict=False):
            assert str(default_context()[key]).lower() in ("", default)


def test_the_formula_of_the_cost_knows_how_files_are_cut() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text()
    assert f"P = ⌈R / {PART_ROWS:,}⌉" in guide
    assert f"chunks of {MIN_CHUNK_POINTS:,} to {MAX_CHUNK_POINTS:,} rows" in guide
