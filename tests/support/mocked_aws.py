"""AWS as moto mocks it, with sessions that all tests of a process share, and that keep the clients that most tests use.

moto makes boto3 forget its session for each test. A new one finds and parses the models of AWS services again, and new
clients build their methods again, which together would take as long as most tests. A client is not kept once a test
registers a handler with it, without a `unique_id`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.s3 import urls
from moto.s3.models import S3Backend

KEPT = ("s3", "dynamodb")
REGISTER = ("register", "register_first", "register_last")


class KeepingSession(boto3.Session):
    """A session that returns the same client or resource of a service in `KEPT`.

    It does so while the environment and the configuration stay the same.
    """

    def client(self, service_name: str, *args: Any, **settings: Any) -> Any:
        return _keep(super().client, service_name, *args, **settings)

    def resource(self, service_name: str, *args: Any, **settings: Any) -> Any:
        return _keep(super().resource, service_name, *args, **settings)


def _keep(create: Callable[..., Any], service: str, *args: Any, **settings: Any) -> Any:
    if service not in KEPT or args or settings.keys() - {"config"}:
        return create(service, *args, **settings)
    config: Config | None = settings.get("config")
    values = repr(sorted(vars(config).items())) if config else ""  # botocore compares identities
    key = create, service, _environment(service), values
    if key not in _kept:
        _kept[key] = _discard_with_handlers(create(service, config=config))
    return _kept[key]


_kept: dict[object, Any] = {}


def _discard_with_handlers(kept: Any) -> Any:
    """Discard all kept clients once a handler is registered with this one."""
    events = getattr(kept.meta, "client", kept).meta.events
    for name in REGISTER:
        setattr(events, name, _discarding(getattr(events, name)))
    return kept


def _discarding(register: Callable[..., Any]) -> Callable[..., Any]:
    def discard_and_register(*args: Any, **options: Any) -> Any:
        if "unique_id" not in options:  # boto3 gives one to the handlers that it registers for each table
            _kept.clear()
        return register(*args, **options)

    return discard_and_register


def _environment(service: str) -> frozenset[tuple[str, str]]:
    """Return the variables that a client of this service may read: not the addresses of other services."""
    names = (name for name in os.environ if name.startswith("AWS_"))
    own = (name for name in names if not name.startswith("AWS_ENDPOINT_URL_") or name.endswith(service.upper()))
    return frozenset((name, os.environ[name]) for name in own)


# moto would load S3's URLs again for each test, in case MOTO_S3_CUSTOM_ENDPOINTS has changed. No test sets it.
S3Backend._url_module = urls  # type: ignore[method-assign, assignment]

_code_under_test, _tests = cache(KeepingSession), cache(KeepingSession)


@contextmanager
def mocked_aws() -> Iterator[KeepingSession]:
    """Mock the AWS services. The session is for the test itself: the code under test has clients of its own."""
    with mock_aws():
        boto3.DEFAULT_SESSION = _code_under_test()
        yield _tests()
