"""The datasets: the columns that a Parquet file must have, and the measurement, tags and fields that they become.

TOML files declare them: `ons.toml`, which is part of this package, and a user's own `datasets.toml`. `DATASETS` holds
both. `shared.dataset_keys` finds the one that a key belongs to. A `Dataset` checks its own declaration when it is
created.
"""

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from shared.contradictions import Contradiction, contradictions
from shared.dataset_files import own_file, shipped_file
from shared.errors import SettingsError


class ContradictionsError(ValueError):
    """A declaration that contradicts itself."""

    def __init__(self, name: str, mistakes: Sequence[Contradiction]) -> None:
        super().__init__(f"dataset {name!r}: {'; '.join(mistake.message for mistake in mistakes)}")
        self.mistakes = mistakes


EARLIEST = date(1990, 1, 1)
"""The default of the earliest plausible time: the data of the power grid begins later."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A float field. Values outside `minimum` and `maximum` are loaded, and the report counts them."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # for cli/dataset_check.py

    name: str
    unit: str
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One dataset: a file belongs to it if its key contains the folder `dataset=<name>`, or matches `key_pattern`.

    Attributes:
        name: the name in the key.
        measurement: the InfluxDB measurement.
        required_tags: tags that need a value in every row.
        optional_tags: tags that may be empty, and whose columns may be absent.
        path_tags: those of the tags whose values are not in the file, but in the key: in folders `<tag>=<value>/`, or
            in groups of `key_pattern`.
        key_pattern: the keys of the files (`shared.key_patterns`), in place of the folder `dataset=<name>`; its named
            groups are path tags, or the revision.
        fields: the fields; a file needs at least one of them.
        timestamp: the name of the time column.
        zone: the time zone of timestamps that name none.
        epoch: the unit of timestamps that are integers; None if they are not integers.
        aliases: column names of files, mapped to the names of this declaration.
        ignored_columns: column names of files that resemble a name of this declaration, but mean something else.
        influxdb_bucket: the InfluxDB bucket; None for the default, `INFLUXDB_BUCKET`.
        max_set_aside_rate: the share of a file's rows that may be set aside; None for `MAX_SET_ASIDE_RATE`.
        max_collision_rate: the share of rows that may collide; None for `MAX_COLLISION_RATE`.
        earliest: rows before this date (UTC) are set aside.
        latest: rows after the beginning of this date (UTC) are set aside; None for ten years after the object was
            last modified.
        max_series: the number of series that a file may have; None for the default, `MAX_SERIES`.
        revision: the name of a folder `<name>=<value>/` in the key, or of a group of `key_pattern`, whose value is the
            file's revision. Where two files have a value for the same field of a point, that of the newer revision
            stands. None if there is no such folder.
        revisions: how the revisions of a slot relate, which is the key up to that folder (`shared.revisions.slot_of`).
            With "overlay", all files are loaded. With "replace", the files of one revision together replace those of
            all older revisions, which are not loaded any more.

    Raises:
        ContradictionsError: the declaration contradicts itself.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # for cli/dataset_check.py

    name: str
    measurement: str
    required_tags: tuple[str, ...]
    optional_tags: tuple[str, ...] = ()
    path_tags: tuple[str, ...] = ()
    key_pattern: str | None = None
    fields: tuple[Field, ...]
    timestamp: str = "timestamp"
    zone: str = "UTC"
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()
    influxdb_bucket: str | None = None
    max_set_aside_rate: float | None = None
    max_collision_rate: float | None = None
    earliest: date = EARLIEST
    latest: date | None = None
    max_series: int | None = None
    revision: str | None = None
    revisions: Literal["overlay", "replace"] = "overlay"

    def __post_init__(self) -> None:
        if mistakes := list(contradictions(self)):
            raise ContradictionsError(self.name, mistakes)

    @property
    def tags(self) -> tuple[str, ...]:
        """The required tags, then the optional tags."""
        return self.required_tags + self.optional_tags

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields, in the order of the declaration."""
        return tuple(each.name for each in self.fields)


def read_datasets(path: Path) -> dict[str, Dataset]:
    """Return the datasets that a TOML file declares, by name, in its order.

    Raises:
        SettingsError: the file is not TOML, or a declaration is not valid. It names only the first mistake.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{path.name}: {error}. `loader datasets check` lists all mistakes") from error


def _parse(text: str) -> dict[str, Dataset]:
    return {name: _dataset(name, table) for name, table in tomllib.loads(text).items()}


def _dataset(name: str, table: Mapping[str, Any]) -> Dataset:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    dates: dict[str, Any] = {
        key: date.fromisoformat(str(values[key])) for key in ("earliest", "latest") if key in values
    }
    fields = tuple(Field(**each) for each in values.get("fields", ()))
    return Dataset(**{**values, **dates, "fields": fields, "name": name})


class Declarations(Mapping[str, Dataset]):
    """The datasets that some files declare, by name. The files are read when they are first needed."""

    def __init__(self, *files: Callable[[], Path]) -> None:
        self._files = files

    @cached_property
    def _datasets(self) -> dict[str, Dataset]:
        datasets: dict[str, Dataset] = {}
        for path in (file() for file in self._files):
            declared = read_datasets(path) if path.exists() else {}
            if repeated := sorted(datasets.keys() & declared.keys()):
                raise SettingsError(f"{path.name} declares {', '.join(repeated)} again: choose another name")
            datasets |= declared
        return datasets

    def replace(self, text: str, address: str) -> None:
        """Use the datasets of a text instead of those of the files.

        Raises:
            SettingsError: this release cannot read it. The message has `address`, where the text comes from.
        """
        try:
            self._datasets = _parse(text)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{address}: {error}. Use the release of `loader` that is deployed") from error

    def __getitem__(self, name: str) -> Dataset:
        return self._datasets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)


SHIPPED_DATASETS = Declarations(shipped_file)
DATASETS = Declarations(shipped_file, own_file)
