"""What a person names to be planned or loaded: a file on this machine, or an object in S3."""

from dataclasses import dataclass
from pathlib import Path

from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS


@dataclass(frozen=True)
class LocalFile:
    """A file, and the key under which it goes to the source bucket."""

    path: Path
    key: str


@dataclass(frozen=True)
class S3Object:
    """An object that is there already."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Prefix:
    """All objects whose keys begin so."""

    bucket: str
    prefix: str

    @property
    def address(self) -> str:
        """With s3://."""
        return f"s3://{self.bucket}/{self.prefix}"


def parse_prefix(text: str, source_bucket: str) -> Prefix:
    """`s3://bucket/prefix`, or what the keys in the source bucket begin with. Raises RefusedError."""
    if not text.startswith("s3://"):
        return Prefix(source_bucket, text)
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise RefusedError(f"{text!r} names no bucket: write s3://bucket/prefix, or the prefix alone")
    return Prefix(bucket, prefix)


def parse_target(text: str, dataset: str) -> LocalFile | S3Object:
    """`s3://bucket/key` or a path. Raises RefusedError where the words do not tell what to load, or as what."""
    if text.startswith("s3://"):
        return _object(text)
    path = Path(text)
    if path.is_dir():
        raise RefusedError(f"{text} is a folder: name a file, or copy it all (aws s3 sync) and `loader backfill` it")
    if not path.is_file():
        raise NotFoundError(f"no such file: {text}")
    return LocalFile(path, _key(path, dataset))


def _object(text: str) -> S3Object:
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not (bucket and key):
        raise RefusedError(f"{text!r} names no object: write s3://bucket/key")
    return S3Object(bucket, key)


def _key(path: Path, dataset: str) -> str:
    """From the folder `dataset=…` on where the path has one."""
    if dataset:
        if dataset not in DATASETS:
            raise RefusedError(f"no dataset {dataset!r}: there are {', '.join(DATASETS)}")
        return f"dataset={dataset}/{path.name}"
    parts = path.resolve().parts
    named = [number for number, part in enumerate(parts) if part.removeprefix("dataset=") in DATASETS and "=" in part]
    if not named:
        raise RefusedError(f"say which dataset {path.name} is: --dataset {'|'.join(DATASETS)}")
    return "/".join(parts[named[-1] :])
