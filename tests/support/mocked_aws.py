"""AWS as moto mocks it, with sessions that all tests of a process share, and that keep the clients that most tests use.

moto makes boto3 forget its session for each test. A new one finds and parses the models of AWS services again, and new
clients build their methods again, which together would take as long as most tests. A client is not kept once a test
registers a handler with it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from moto import mock_aws

KEPT = ("s3", "dynamodb")
REGISTER = ("register", "register_first", "register_last")


class KeepingSession(boto3.Session):
    """A session that returns the same client or resource of a service in `KEPT`, if the environment is the same."""

    def client(self, service_name: str, *args: Any, **settings: Any) -> Any:
        return _keep(super().client, service_name, *args, **settings)

    def resource(self, service_name: str, *args: Any, **settings: Any) -> Any:
        return _keep(super().resource, service_name, *args, **settings)


def _keep(create: Callable[..., Any], service: str, *args: Any, **settings: Any) -> Any:
    if args or settings or service not in KEPT:
        return create(service, *args, **settings)
    return _kept(create, service, _environment(service))


@cache
def _kept(create: Callable[..., Any], service: str, environment: frozenset[tuple[str, str]]) -> Any:
    kept = create(service)
    events = getattr(kept.meta, "client", kept).meta.events
    for name in REGISTER:
        setattr(events, name, _discarding(getattr(events, name)))
    return kept


def _discarding(register: Callable[..., Any]) -> Callable[..., Any]:
    def discard_and_register(*args: Any, **options: Any) -> Any:
        _kept.cache_clear()
        return register(*args, **options)

    return discard_and_register


def _environment(service: str) -> frozenset[tuple[str, str]]:
    """Return the variables that a client of this service may read: not the addresses of other services."""
    names = (name for name in os.environ if name.startswith("AWS_"))
    own = (name for name in names if not name.startswith("AWS_ENDPOINT_URL_") or name.endswith(service.upper()))
    return frozenset((name, os.environ[name]) for name in own)


_code_under_test, _tests = cache(KeepingSession), cache(KeepingSession)


@contextmanager
def mocked_aws() -> Iterator[KeepingSession]:
    """Mock the AWS services. The session is for the test itself: the code under test has clients of its own."""
    with mock_aws():
        boto3.DEFAULT_SESSION = _code_under_test()
        yield _tests()
