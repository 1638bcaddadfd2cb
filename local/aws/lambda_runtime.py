"""Python functions in ministack, run as on AWS: by AWS's runtime client, with their own interpreter and environment.

Unpatched ministack imports handlers into its own worker script, with its own interpreter and environment, and reports
every exception as `Runtime.HandlerError`, which no Retry or Catch of the state machine matches. It runs custom runtimes
correctly, as a process that polls the Lambda Runtime API, so Python functions run that way: `python -m awslambdaric`.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

from functools import cache
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local import BUILD

_PYTHON = BUILD / "venvs/lambda/bin/python"

_INHERITED_PREFIXES = ("AWS_", "HOME", "LAMBDA_TASK_ROOT", "PATH", "TMPDIR", "_HANDLER")

_worker_class_for = lambda_runtime._worker_class_for
_execute_function_warm = lambda_svc._execute_function_warm
_provided_worker_env = lambda_svc._provided_worker_env
_unpack = cache(lambda_svc._provided_runtime_code_dir)
"""Unpacks a zip file and returns the folder.

ministack computes the SHA-256 of the file at each cold start, which takes 60 ms for the 66 MB of the layer with Arrow.
Python computes the hash of a bytes object, which the cache needs, only once.
"""


class PythonWorker(lambda_runtime.ProvidedWorker):  # type: ignore[misc]  # ministack is not in our environment
    """A worker that reports an import error by its own name instead of `Runtime.Unknown`, and passes events at once."""

    def _await_init(self, init_timeout: float | None = None) -> None:
        try:
            super()._await_init(init_timeout)
        except RuntimeError:
            if not isinstance(self._init_error, dict):
                raise
            message, name = self._init_error["errorMessage"], self._init_error["errorType"]
            raise lambda_runtime.ProvidedRuntimeError(message, name) from None

    def _build_handler_class(self, *args: Any) -> Any:
        """Disable Nagle's algorithm: with it, the body of an event waits 40 ms for a delayed acknowledgment."""
        handler = super()._build_handler_class(*args)
        handler.disable_nagle_algorithm = True
        return handler


def run_python_functions_by_runtime_client() -> None:
    """Replace the functions that ministack calls to invoke a Lambda function."""
    lambda_runtime._worker_class_for = _worker_class
    lambda_svc._execute_function_warm = _execute
    lambda_svc._provided_worker_env = _environment
    lambda_svc._provided_runtime_code_dir = _code_folder


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _worker_class(config: dict[str, Any]) -> Any:
    return PythonWorker if _is_python(config) else _worker_class_for(config)


def _execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
    python = _is_python(function.get("config") or function)
    execute = lambda_svc._execute_function_provided_warm if python else _execute_function_warm
    return execute(function, event, request_id)


def _environment(config: dict[str, Any], code_folder: str, port: int) -> dict[str, str]:
    """Return the variables of one function: ministack's for Lambda, its own, and its layers as PYTHONPATH.

    The emulator's own variables are left out.
    """
    inherited: dict[str, str] = _provided_worker_env(config, code_folder, port)
    if not _is_python(config):
        return inherited
    contents = map(lambda_svc._resolve_layer_zip, config.get("Layers") or [])
    layers = [f"{_unpack(content)}/python" for content in contents if content]
    return {
        **{name: value for name, value in inherited.items() if name.startswith(_INHERITED_PREFIXES)},
        **lambda_svc._runtime_env_vars(config),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "PYTHONPATH": ":".join(layers),
        "TZ": ":UTC",
    }


def _code_folder(code_zip: bytes) -> str:
    """Unpack the code, add the `bootstrap` program that ministack starts, and return the folder.

    The lock prevents a concurrent fork from inheriting `bootstrap` open for writing ("text file busy").
    """
    folder: str = _unpack(code_zip)
    bootstrap = Path(folder, "bootstrap")
    with lambda_svc._provided_code_lock:
        if not bootstrap.exists():
            bootstrap.write_text(f'#!/bin/sh\nexec "{_PYTHON}" -m awslambdaric "$_HANDLER"\n')
            bootstrap.chmod(0o755)
    return folder
