"""The files that an operator names on the command line: local files, folders, and globs, and objects in S3."""

from collections.abc import Callable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from cli.close_matches import suggestion
from cli.errors import NotFoundError, RefusedError
from cli.targets import LocalFile, S3Object, local_file, parse_object
from shared.file_keys import FileRule, skip_kind

Source = LocalFile | S3Object

RuleReader = Callable[[], FileRule]
"""A function that returns which names are those of files to load. It may ask the deployment."""


class LocalPath(NamedTuple):
    """A file on this machine. `name` is its name, with its folders if the operator named a folder above them."""

    path: Path
    name: str


def find_files(texts: Sequence[str], rule: RuleReader = FileRule) -> list[LocalPath | S3Object]:
    """Return all files that are named, each once, in the order of the names.

    A folder stands for all files below it that the loader would load, and a glob, which a shell leaves as it is in
    quotes, for what it matches.

    Raises:
        NotFoundError: A name stands for no file.
        RefusedError: An address is not that of an object.
    """
    return list({_identity(file): file for text in texts for file in _expand(text, rule)}.values())


def assign_keys(files: Sequence[LocalPath | S3Object], dataset: str) -> list[Source]:
    """Return the files with their keys in the source bucket.

    Args:
        files: The files.
        dataset: The dataset of local files; "" to take it from their paths.

    Raises:
        RefusedError: The dataset of a file is unknown, or two files have the same key.
    """
    sources = [local_file(file.path, dataset, file.name) if isinstance(file, LocalPath) else file for file in files]
    _check_keys(sources)
    return sources


def name_of(source: Source) -> str:
    """Return the name of a source as an operator writes it."""
    return str(source.path) if isinstance(source, LocalFile) else source.address


def _identity(file: LocalPath | S3Object) -> str:
    return str(file.path.resolve()) if isinstance(file, LocalPath) else file.address


def _expand(text: str, rule: RuleReader) -> Iterator[LocalPath | S3Object]:
    path = Path(text)
    if text.startswith("s3://"):
        yield parse_object(text)
    elif path.is_file():
        yield LocalPath(path, path.name)
    elif path.is_dir():
        yield from _files_below(path, rule())
    elif has_magic(text):
        matches = sorted(glob(text, recursive=True))  # noqa: PTH207 - a Path globs no absolute pattern
        if not matches:
            raise NotFoundError(f"no file matches {text}")
        for match in matches:
            yield from _expand(match, rule)
    else:
        siblings = sorted(map(str, path.parent.glob("*"))) if path.parent.is_dir() else []
        raise NotFoundError(f"no such file: {text}{suggestion(text, siblings)}")


def _files_below(folder: Path, rule: FileRule) -> Iterator[LocalPath]:
    """Yield the files below a folder whose names the loader does not skip."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = [name for name in names if not skip_kind(name, FileRule(rule.suffixes))]
    if not files:
        suffixes = " or ".join(rule.suffixes)
        raise NotFoundError(f"no {suffixes} file is in the folder {folder}, which has {len(names):,} other files")
    yield from (LocalPath(folder / name, name) for name in files)


def _check_keys(sources: Sequence[Source]) -> None:
    """Raise RefusedError if two sources have the same key: one would replace the other."""
    names: dict[str, str] = {}
    for source in sources:
        name = name_of(source)
        if source.key in names:
            raise RefusedError(
                f"{names[source.key]} and {name} have the same key, {source.key}: rename one, or put each into a "
                "folder of its own below its folder dataset=NAME"
            )
        names[source.key] = name
