"""A switch for enforcing the IAM roles of functions; ministack itself can only enforce them from its start.

The app cannot be deployed with roles enforced, because ministack then denies CDK's uploads. Calls from outside the
emulator always have full access.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import signal
from typing import Any

from ministack import app
from ministack.core import iam_evaluator

_resolve_condition_key = iam_evaluator._resolve_condition_key


def switch_roles_by_signal() -> None:
    """Make SIGUSR1 switch enforcement on, and off again."""
    iam_evaluator._resolve_condition_key = _resolve_key_over_tls
    signal.signal(signal.SIGUSR1, lambda *_: _switch())


def _switch() -> None:
    app.AUTH = not app.AUTH


def _resolve_key_over_tls(key: str, context: Any) -> Any:
    """Treat loopback connections as TLS, which the bucket policies require."""
    return "true" if key.lower() == "aws:securetransport" else _resolve_condition_key(key, context)
