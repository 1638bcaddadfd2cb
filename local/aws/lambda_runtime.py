"""Python functions in ministack run as on AWS: by AWS's runtime client, in an environment and interpreter of their own.

Stock ministack imports handlers into a worker script of its own, on its own interpreter and environment, and calls
every exception `Runtime.HandlerError`, which no Retry or Catch of ours matches. Its way to run custom runtimes, a
process that polls the Lambda Runtime API, is right; here Python functions take it, as `python -m awslambdaric`.
"""

# ministack offers no way to change this from outside, so its private functions are replaced.
# ruff: noqa: SLF001

from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local import BUILD

_PYTHON = BUILD / "venvs/lambda/bin/python"

_PASSED_ON = ("AWS_", "HOME", "LAMBDA_TASK_ROOT", "PATH", "TMPDIR", "_HANDLER")

_worker_class_for = lambda_runtime._worker_class_for
_execute_function_warm = lambda_svc._execute_function_warm
_provided_worker_env = lambda_svc._provided_worker_env
_provided_runtime_code_dir = lambda_svc._provided_runtime_code_dir


class PythonWorker(lambda_runtime.ProvidedWorker):  # type: ignore[misc]  # ministack is not in our environment
    """Reports an error of the import by its own name, where a custom runtime's are all `Runtime.Unknown`."""

    def _await_init(self, init_timeout: float | None = None) -> None:
        try:
            super()._await_init(init_timeout)
        except RuntimeError:
            if not isinstance(self._init_error, dict):
                raise
            message, name = self._init_error["errorMessage"], self._init_error["errorType"]
            raise lambda_runtime.ProvidedRuntimeError(message, name) from None


def run_python_functions_by_runtime_client() -> None:
    """Replace what ministack looks up when it invokes a function."""
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
    """What ministack sets, the function's own, and the layers; the emulator's own variables stay with it."""
    everything: dict[str, str] = _provided_worker_env(config, code_folder, port)
    if not _is_python(config):
        return everything
    contents = map(lambda_svc._resolve_layer_zip, config.get("Layers") or [])
    layers = [f"{_provided_runtime_code_dir(content)}/python" for content in contents if content]
    return {
        **{name: value for name, value in everything.items() if name.startswith(_PASSED_ON)},
        **lambda_svc._runtime_env_vars(config),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "PYTHONPATH": ":".join(layers),
        "TZ": ":UTC",
    }


def _code_folder(code_zip: bytes) -> str:
    """With the program that ministack starts. The lock keeps a concurrent fork from holding it open for writing."""
    folder: str = _provided_runtime_code_dir(code_zip)
    bootstrap = Path(folder, "bootstrap")
    with lambda_svc._provided_code_lock:
        if not bootstrap.exists():
            bootstrap.write_text(f'#!/bin/sh\nexec "{_PYTHON}" -m awslambdaric "$_HANDLER"\n')
            bootstrap.chmod(0o755)
    return folder
