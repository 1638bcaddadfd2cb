"""Digests of the code and the datasets, by which `loader plan` tells whether the deployment runs what it runs itself.

The stack's outputs contain the digests of the checkout that was deployed.
"""

from hashlib import sha256
from pathlib import Path

from shared.datasets import DATASETS

ROOT = Path(__file__).parents[1]
LENGTH = 16
"""The number of hexadecimal digits of a digest."""


def code_digest(root: Path = ROOT) -> str:
    """Return the digest of all code that the functions run: their packages, and the versions of their libraries."""
    sources = [path for folder in ("functions", "shared") for path in (root / folder).rglob("*.py")]
    digest = sha256()
    for path in sorted([*sources, *(root / "requirements").glob("layer-*.txt")]):
        # A checkout on Windows has other line ends.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:LENGTH]


def datasets_digest() -> str:
    """Return the digest of all declarations of datasets."""
    return sha256(repr(sorted(DATASETS.items())).encode()).hexdigest()[:LENGTH]
