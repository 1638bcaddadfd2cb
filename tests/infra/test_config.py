"""The settings, and the messages for mistakes in them."""

import json
import os
import re
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest

from functions.convert_and_chunk.chunks import MAX_CHUNK_POINTS
from functions.validate_schema.parts import PART_ROWS, PARTS
from infra_cdk.archives import ROOT
from infra_cdk.config import KEYS, app_config, loader_config
from infra_cdk.settings_file import SETTINGS_FILE, add_file_settings
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, VPC, default_context


def test_the_example_shows_every_key_with_its_default() -> None:
    shown = {key for key in default_context() if not key.startswith("@aws-cdk/")}
    assert shown | REQUIRED.keys() == KEYS
    assert loader_config(default_context() | REQUIRED) == loader_config(REQUIRED)


def test_a_copy_of_the_example_is_valid_and_nothing_in_cdk_json_is_a_setting() -> None:
    settings = add_file_settings({"settings_file": "loader.example.toml"})
    assert settings.keys() == REQUIRED.keys()
    assert app_config(settings).loader is not None
    assert all(key.startswith("@aws-cdk/") for key in json.loads((ROOT / "cdk.json").read_text())["context"])


def test_the_users_file_is_not_tracked() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", SETTINGS_FILE], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ignored.stdout.split() == [SETTINGS_FILE]


def test_the_file_is_read_and_the_command_line_overrides_it(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(
        'influxdb_org = "grid"\nmax_retries = 5\nsubnet_ids = ["subnet-1", "subnet-2"]\n'
    )
    settings = add_file_settings({"max_retries": "7"}, tmp_path)
    assert settings == {"influxdb_org": "grid", "max_retries": "7", "subnet_ids": "subnet-1,subnet-2"}
    (tmp_path / "test.toml").write_text("max_retries = 9\n")
    assert add_file_settings({"settings_file": "test.toml"}, tmp_path) == {"max_retries": 9}


def test_a_file_that_is_missing_or_malformed_is_named(tmp_path: Path) -> None:
    assert add_file_settings({}, tmp_path) == {}
    with pytest.raises(SettingsError, match=r"^settings_file is 'other.toml', which is not a file"):
        add_file_settings({"settings_file": "other.toml"}, tmp_path)
    (tmp_path / SETTINGS_FILE).write_text("influxdb_org = grid\n")
    with pytest.raises(SettingsError, match=r"^loader\.toml is not valid TOML: .*line 1"):
        add_file_settings({}, tmp_path)


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
        ("backoff_seconds", "60"),
        ("allow_plain_http", "perhaps"),
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


def test_an_unencrypted_url_needs_a_vpc_or_permission() -> None:
    plain = REQUIRED | {"influxdb_url": "http://influx.example:8086"}
    with pytest.raises(SettingsError, match=r"^influxdb_url begins with http, .*: use https, or set vpc_id"):
        loader_config(plain)
    for permission in ({"allow_plain_http": "true"}, VPC):
        assert loader_config(plain | permission).influx.influxdb_url == plain["influxdb_url"]


def test_the_app_ends_with_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.touch()
    context = os.environ | {"CDK_CONTEXT_JSON": json.dumps({"settings_file": str(empty)})}
    command = [sys.executable, "-m", "infra_cdk.app"]
    app = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=context)
    assert app.returncode == 1
    assert app.stderr.splitlines()[-1].startswith("configuration: influxdb_url is not set")
    assert "Traceback" not in app.stderr


def test_the_guide_has_a_row_for_every_setting() -> None:
    table = (ROOT / "docs" / "deploy.md").read_text().split("| key | default |")[1].split("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    assert sorted(key for keys, _ in rows for key in re.findall(r"`(\w+)`", keys)) == sorted(KEYS)
    for keys, defaults in rows:
        for key, default in zip(re.findall(r"`(\w+)`", keys), cycle(defaults.strip().split(", ")), strict=False):
            assert str(default_context().get(key, "")).lower() in ("", default)


def test_the_guide_knows_how_files_are_cut() -> None:
    guide = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
    assert f"A part has at most {PART_ROWS:,} rows" in guide
    assert f"a chunk at most {MAX_CHUNK_POINTS:,} points" in guide
    assert f"more than {PARTS * PART_ROWS:,} rows" in guide
