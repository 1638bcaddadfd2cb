"""The file, object or prefix that an operator names on the command line."""

from dataclasses import dataclass
from pathlib import Path

from cli.close_matches import suggestion
from cli.errors import RefusedError
from shared.dataset_keys import datasets_of
from shared.datasets import DATASETS

DECLARE_IT = "declare a new one: `loader suggest FILE` proposes the declaration"


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine, and the key that it gets in the source bucket."""

    path: Path
    key: str


@dataclass(frozen=True)
class S3Object:
    """An object that is already in S3."""

    bucket: str
    key: str

    @property
    def address(self) -> str:
        """The address of the object, with s3://."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Prefix:
    """All objects of a bucket whose keys start with `prefix`."""

    bucket: str
    prefix: str

    @property
    def address(self) -> str:
        """The address of the prefix, with s3://."""
        return f"s3://{self.bucket}/{self.prefix}"


def parse_prefix(text: str, source_bucket: str) -> Prefix:
    """Read `s3://BUCKET/PREFIX`, or a prefix of keys in the source bucket.

    Raises:
        RefusedError: The address has no bucket.
    """
    if not text.startswith("s3://"):
        return Prefix(source_bucket, text)
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise RefusedError(f"{text!r} has no bucket name: use s3://BUCKET/PREFIX, or PREFIX for the source bucket")
    return Prefix(bucket, prefix)


def read_manifest(path: Path, source_bucket: str) -> tuple[str, list[str]]:
    """Return the bucket and the sorted keys of a file with `s3://BUCKET/KEY`, or a key in the source bucket, per line.

    Raises:
        RefusedError: The file has no line, or names several buckets, or a line is not the address of an object.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
    objects = {
        parse_object(line) if line.startswith("s3://") else S3Object(source_bucket, line) for line in lines if line
    }
    buckets = sorted({each.bucket for each in objects})
    if len(buckets) != 1:
        problem = f"names several buckets ({', '.join(buckets)})" if buckets else "names no file"
        raise RefusedError(f"{path} {problem}: write the keys of one bucket, one in each line")
    return buckets[0], sorted(each.key for each in objects)


def local_file(path: Path, dataset: str, name: str) -> LocalFile:
    """Return a file with its key: the end of its path that names its dataset, or `dataset` and `name`.

    Raises:
        RefusedError: The dataset is unknown.
    """
    return LocalFile(path, _key_in(dataset, name) if dataset else _key(path))


def check_dataset(name: str) -> None:
    """Raise RefusedError if no dataset has this name."""
    if name not in DATASETS:
        matches = suggestion(name, DATASETS)
        raise RefusedError(f"unknown dataset {name!r}{matches}: use one of {', '.join(DATASETS)}, or {DECLARE_IT}")


def parse_object(text: str) -> S3Object:
    """Read `s3://BUCKET/KEY`. Raises RefusedError if it is not the address of an object."""
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not (bucket and key):
        raise RefusedError(f"{text!r} is not the address of an object: use s3://BUCKET/KEY")
    return S3Object(bucket, key)


def _key(path: Path) -> str:
    parts = path.resolve().parts
    ends = ("/".join(parts[n:]) for n in range(len(parts) - 1, 0, -1))
    if key := next(filter(datasets_of, ends), ""):
        return key
    folder = next((part for part in reversed(parts[:-1]) if part.startswith("dataset=")), "")
    problem = f"names a dataset that is not declared ({folder})" if folder else "does not name its dataset"
    raise RefusedError(f"the path of {path.name} {problem}: add --dataset {'|'.join(DATASETS)}, or {DECLARE_IT}")


def _key_in(dataset: str, name: str) -> str:
    check_dataset(dataset)
    if pattern := DATASETS[dataset].key_pattern:
        raise RefusedError(
            f"the files of dataset {dataset!r} have keys like {pattern}: put {name} into such folders, and leave "
            "out --dataset"
        )
    return f"dataset={dataset}/{name}"
