"""A model of what InfluxDB must store: it is told what happened, and knows neither footprints nor requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.support.recorded_loads import Value

Values = Mapping[Value, str]
"""The numbers of values, as texts: so -0.0 and 0.0 differ. Here, a series is only its tags, each after a comma."""


class Version(NamedTuple):
    """A load of a version of a file: its load ID, the values that it planned, and whether it ended well."""

    load_id: str
    values: Values
    is_loaded: bool


@dataclass
class Model:
    """What InfluxDB must store, and who wrote it.

    Attributes:
        stored: All values.
        certain: Those that loads wrote which ended well.
        versions: The versions of each file that nobody withdrew or undid.
        foreign: The values of other programs.
    """

    stored: dict[Value, str] = field(default_factory=dict)
    certain: set[Value] = field(default_factory=set)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    foreign: set[Value] = field(default_factory=set)

    def load(self, name: str, version: Version, written: Values) -> None:
        self.stored |= written
        if version.is_loaded:
            self.certain |= set(version.values)
        self.versions.setdefault(name, []).append(version)

    def undo(self, name: str) -> list[Version]:
        """Take the newest version of a file back. Return the versions that stand in its place, older ones first."""
        undone = self.versions[name].pop()
        loaded = {
            file: [version for version in versions if version.is_loaded] for file, versions in self.versions.items()
        }
        standing = [versions[-1] for versions in loaded.values() if versions]
        return sorted(version for version in standing if set(version.values) & set(undone.values))

    def current(self, name: str) -> set[Value]:
        """Return the values of the newest loaded version of a file, and of the attempts after it."""
        values = set[Value]()
        for version in self.versions[name]:
            values = set(version.values) if version.is_loaded else values | set(version.values)
        return values

    def stale(self) -> set[Value]:
        return set(self.stored) - self.foreign - set().union(*map(self.current, self.versions))
