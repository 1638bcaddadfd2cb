"""The configuration of the InfluxDB that points are written to: settings, as in config.py."""

from dataclasses import dataclass

from infra_cdk import context as read
from infra_cdk.context import Context
from shared.errors import SettingsError
from shared.settings import boolean


@dataclass(frozen=True, kw_only=True)
class InfluxConfig:
    """The InfluxDB that points are written to.

    `influxdb_ca_bundle` is the path of a PEM file. Without `token_secret_name`, the stack creates a secret. The two
    functions that use InfluxDB reach it, and AWS, through `https_proxy`, except the hosts in `no_proxy`. Outside a VPC,
    the URL must begin with https unless `allow_plain_http` is true.
    """

    influxdb_url: str
    allow_plain_http: bool
    influxdb_org: str
    influxdb_bucket: str
    influxdb_ca_bundle: str
    token_secret_name: str
    https_proxy: str
    no_proxy: str


def influx_config(context: Context) -> InfluxConfig:
    """Return the configuration of InfluxDB. Raises SettingsError."""
    allow_plain_http = boolean(context, "allow_plain_http", default=False)
    return InfluxConfig(
        influxdb_url=_influxdb_url(context, allow_plain_http=allow_plain_http),
        allow_plain_http=allow_plain_http,
        influxdb_org=read.required(context, "influxdb_org"),
        influxdb_bucket=read.required(context, "influxdb_bucket"),
        influxdb_ca_bundle=read.file_path(context, "influxdb_ca_bundle"),
        token_secret_name=context.get("token_secret_name", ""),
        https_proxy=read.server_url(context, "https_proxy") if context.get("https_proxy") else "",
        no_proxy=context.get("no_proxy", ""),
    )


def _influxdb_url(context: Context, *, allow_plain_http: bool) -> str:
    """Return the URL. Raise SettingsError if the token would cross the internet unencrypted."""
    url = read.server_url(context, "influxdb_url")
    if url.startswith("http:") and "vpc_id" not in context and not allow_plain_http:
        raise SettingsError(
            "influxdb_url begins with http, and the functions do not run in a VPC, so the token would cross the "
            "internet unencrypted: use https, or set vpc_id, or set allow_plain_http to true"
        )
    return url
