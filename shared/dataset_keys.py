"""The one rule by which keys belong to datasets: by the folder `dataset=<name>`, or by a key pattern."""

import re

from shared.datasets import DATASETS, Dataset
from shared.errors import AmbiguousDatasetError, UnknownDatasetError
from shared.key_patterns import literal_prefix, matches


def datasets_of(key: str) -> list[Dataset]:
    """Return the datasets that a key belongs to: by its folder `dataset=<name>`, and by key patterns."""
    folder = re.search(r"(?:^|/)dataset=([^/]+)/", key)
    name = folder[1] if folder else ""
    return [
        each
        for each in DATASETS.values()
        if (matches(each.key_pattern, key) if each.key_pattern else each.name == name)
    ]


def find_dataset(key: str) -> Dataset | None:
    """Return the dataset that a key belongs to, or None unless it is exactly one."""
    datasets = datasets_of(key)
    return datasets[0] if len(datasets) == 1 else None


def dataset_of(key: str) -> Dataset:
    """Return the dataset that a key belongs to.

    Raises:
        UnknownDatasetError: it belongs to none.
        AmbiguousDatasetError: it belongs to several.
    """
    match datasets_of(key):
        case [dataset]:
            return dataset
        case []:
            raise UnknownDatasetError(f"{key!r} does not name a dataset: {_places()}")
        case several:
            names = " and ".join(f"{each.name!r} ({each.key_pattern or f'dataset={each.name}/'})" for each in several)
            raise AmbiguousDatasetError(f"{key!r} belongs to the datasets {names}: change a key_pattern, and deploy")


def _places() -> str:
    """Return where files have to be to belong to a dataset."""
    names = ", ".join(each.name for each in DATASETS.values() if not each.key_pattern)
    patterns = [f"{each.key_pattern} ({each.name})" for each in DATASETS.values() if each.key_pattern]
    return " or ".join([f"move it into dataset=<name>/, where <name> is {names}", *patterns])


def source_prefixes(prefix: str) -> tuple[str, ...]:
    """Return how the keys of files begin that are loaded as they arrive: with `SOURCE_PREFIX`, or as a key pattern.

    It is ("",) if every key does.
    """
    prefixes = {prefix, *(literal_prefix(each.key_pattern) for each in DATASETS.values() if each.key_pattern)}
    return tuple(sorted(each for each in prefixes if not any(each.startswith(other) for other in prefixes - {each})))
