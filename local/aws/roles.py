"""Roles of functions are enforced while they are switched on: ministack itself can only do so from its start.

Deploying with them is not possible, since it refuses CDK's uploads. Calls from outside stay the account's own.
"""

# ministack offers no way to change this from outside, so its private functions are replaced.
# ruff: noqa: SLF001

import signal
from typing import Any

from ministack import app
from ministack.core import iam_evaluator

_resolve_condition_key = iam_evaluator._resolve_condition_key


def switch_roles_by_signal() -> None:
    """SIGUSR1 switches them on, and off again."""
    iam_evaluator._resolve_condition_key = _resolve_key_over_tls
    signal.signal(signal.SIGUSR1, lambda *_: _switch())


def _switch() -> None:
    app.AUTH = not app.AUTH


def _resolve_key_over_tls(key: str, context: Any) -> Any:
    """Loopback passes for TLS, without which the buckets' policies refuse everybody."""
    return "true" if key.lower() == "aws:securetransport" else _resolve_condition_key(key, context)
