"""The digests by which a plan tells whether the deployment runs the same code."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared import code_digest as module
from shared.code_digest import code_digest, datasets_digest
from shared.datasets import DATASETS

FILES = {
    "functions/a/handler.py": b"x = 1\ny = 2\n",
    "shared/b.py": b"z = 3\n",
    "requirements/layer-arrow.txt": b"pyarrow==1\n",
    "cli/c.py": b"unrelated\n",
}


def digest_of(folder: Path, **changes: bytes) -> str:
    """Return the digest of a checkout of `FILES`, of which those whose names are in `changes` have other content."""
    for path, content in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(changes.get(file.stem, content))
    return code_digest(folder)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"handler": b"x = 1\r\ny = 2\r\n"}, True),
        ({"c": b"changed"}, True),
        ({"handler": b"x = 2\n"}, False),
        ({"b": b""}, False),
        ({"layer-arrow": b"pyarrow==2\n"}, False),
    ],
)
def test_the_digest_changes_with_the_code_that_functions_run(
    tmp_path: Path,
    changes: dict[str, bytes],
    same: bool,  # noqa: FBT001
) -> None:
    assert (digest_of(tmp_path / "one") == digest_of(tmp_path / "other", **changes)) == same


def test_a_file_of_another_name_changes_the_digest(tmp_path: Path) -> None:
    before = digest_of(tmp_path)
    (tmp_path / "shared/b.py").rename(tmp_path / "shared/d.py")
    assert code_digest(tmp_path) != before


def test_the_digest_of_the_datasets_changes_with_a_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    before = datasets_digest()
    changed = replace(DATASETS["generation"], zone="America/Sao_Paulo")
    monkeypatch.setattr(module, "DATASETS", {**DATASETS, "generation": changed})
    assert datasets_digest() != before
