"""Whatever the state of objects and their versions, sweeps load what can be loaded, and announce the rest once."""

import json
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from functions.list_files import unknown
from shared.healing import WAITS
from shared.ledger import object_name, version_name
from shared.sweep_lease import KEY
from tests.functional.conftest import SOURCE
from tests.functional.test_list_files import read_lines
from tests.functional.test_sweep import ago, end, metrics, sweep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

State = Literal["unknown", "loaded", "waiting", "failed", "abandoned", "used up", "corrupt"]
HEALING = ("unknown", "waiting", "failed", "abandoned")
"""The states of a version that sweeps load if it is the current one."""
STATES: tuple[State, ...] = ("loaded", "used up", "corrupt", *HEALING)  # type: ignore[assignment]

ITEMS: dict[State, dict[str, Any]] = {
    "loaded": {"status": "loaded"},
    "waiting": {"status": "failed", "error": "InfluxUnavailableError", "tries": 1, "changed_at": "now"},
    "failed": {"status": "failed", "error": "InfluxUnavailableError", "tries": 3},
    "abandoned": {"status": "claimed", "lease_until": "2024-01-01T06:30:00Z", "tries": 2},
    "used up": {"status": "failed", "error": "InfluxUnavailableError", "tries": len(WAITS) + 1},
    "corrupt": {"status": "failed", "error": "CorruptParquetError", "tries": 1},
}
LONG_AGO = "2024-01-01T00:00:00Z"
SWEEPS = 3
COUNT = '"NeedsPerson":['
_examples = count()


class Object(NamedTuple):
    """An object with the states of its versions, the oldest first, and what happens to it last."""

    versions: list[State]
    end: Literal["nothing", "deleted", "last version deleted"]


OBJECTS = st.builds(
    Object,
    st.lists(st.sampled_from(STATES), min_size=1, max_size=3),
    st.sampled_from(["nothing", "deleted", "last version deleted"]),
)


class World:
    """The objects of one example in S3 and in the ledger; `states` has that of each current version by its key."""

    def __init__(self, s3: "S3Client", ledger: "Table", objects: list[Object]) -> None:
        self.s3, self.ledger = s3, ledger
        self.prefix = f"dataset=generation/{next(_examples)}/"
        self.states: dict[str, State] = {}
        for number, entry in enumerate(objects):
            self._create(f"{self.prefix}{number}.parquet", entry)

    def _create(self, key: str, entry: Object) -> None:
        ids = [self.s3.put_object(Bucket=SOURCE, Key=key, Body=state.encode())["VersionId"] for state in entry.versions]
        for order, (version_id, state) in enumerate(zip(ids, entry.versions, strict=True)):
            self._add_item(key, version_id, order, state)
        left = entry.versions
        if entry.end == "deleted":
            self.s3.delete_object(Bucket=SOURCE, Key=key)
            left = []
        elif entry.end == "last version deleted":
            self.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=ids[-1])
            left = left[:-1]
        if left:
            self.states[key] = left[-1]

    def _add_item(self, key: str, version_id: str, order: int, state: State) -> None:
        if state == "unknown":
            return
        head = self.s3.head_object(Bucket=SOURCE, Key=key, VersionId=version_id)
        item = {"changed_at": LONG_AGO, **ITEMS[state]}
        if item["changed_at"] == "now":
            item["changed_at"] = ago()
        name = {
            "object": object_name(SOURCE, key),
            "version": version_name(head["LastModified"], version_id, head["ETag"]),
        }
        facts: dict[str, Any] = {
            "execution": "arn:x",
            "dataset": "generation",
            "sequencer": f"{order:04}",
            "last_modified": order,
        }
        self.ledger.put_item(Item={**name, **facts, **item})

    def items(self, key: str) -> list[dict[str, Any]]:
        items = self.ledger.scan()["Items"]
        return [item for item in items if item["object"] == object_name(SOURCE, key)]

    def load(self, key: str) -> None:
        """Load the current version, as an execution does that claims it. Nothing may be loaded for nothing."""
        assert self.states[key] in HEALING, f"{key} was listed, but is {self.states[key]}"
        version = self.s3.head_object(Bucket=SOURCE, Key=key)
        name = version_name(version["LastModified"], version["VersionId"], version["ETag"])
        order = self._order(key, name)
        self.ledger.put_item(
            Item={
                "object": object_name(SOURCE, key),
                "version": name,
                "execution": "arn:sweep",
                "dataset": "generation",
                "sequencer": f"{order:04}",
                "last_modified": order,
                "status": "loaded",
                "changed_at": ago(),
            }
        )
        self.states[key] = "loaded"

    def _order(self, key: str, name: str) -> int:
        """Return the order of a version: the one of its item, or after all others."""
        orders = {item["version"]: int(item["last_modified"]) for item in self.items(key)}
        return orders.get(name, len(orders))

    def age(self) -> None:
        """Let the time pass after which every failure is due."""
        for item in self.ledger.scan()["Items"]:
            if str(item["object"]).startswith(object_name(SOURCE, self.prefix)):
                self.ledger.put_item(Item={**item, "changed_at": LONG_AGO})


@settings(
    max_examples=6,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # an example takes half a second, and shrinking hundreds of them
)
@given(objects=st.lists(OBJECTS, min_size=1, max_size=3))
@example(objects=[Object(["used up", "unknown"], "nothing")])
def test_sweeps_load_all_that_can_be_loaded_and_announce_the_rest_once(
    s3: "S3Client", ledger: "Table", context: SimpleNamespace, capsys: pytest.CaptureFixture[str], objects: list[Object]
) -> None:
    context.get_remaining_time_in_millis = lambda: 900_000
    ledger.delete_item(Key=KEY)
    world = World(s3, ledger, objects)
    used_up = sum(state == "used up" for state in world.states.values())
    announced, backlog = 0.0, 0.0
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unknown, "GRACE", -unknown.GRACE)
        for number in range(SWEEPS):
            name = f"{world.prefix}{number}"
            first = sweep(context, name, prefix=world.prefix, list_bucket=True)
            keys = [line["key"] for line in read_lines(s3, first)]
            for key in keys:
                world.load(key)
            second = sweep(context, name, prefix=world.prefix, list=first)
            for line in read_lines(s3, second):
                world.load(line["key"])
            end(context, second, name)
            output = capsys.readouterr().out
            announced += sum(json.loads(line)["NeedsPerson"][0] for line in output.splitlines() if COUNT in line)
            backlog = metrics(output)["Backlog"]
            world.age()
    assert not [key for key, state in world.states.items() if state in HEALING]
    assert (announced, backlog) == (used_up, 0)
