"""Every command of the Makefile does something: `make` accepts a target without a recipe and does nothing."""

import re
from itertools import pairwise
from pathlib import Path

LINES = (Path(__file__).parents[2] / "Makefile").read_text().splitlines()


def test_every_target_has_a_recipe() -> None:
    targets = next(line for line in LINES if line.startswith(".PHONY:")).removeprefix(".PHONY:").split()
    recipes = {line.partition(":")[0]: recipe for line, recipe in pairwise(LINES) if re.match("[a-z]", line)}
    # `install` has only prerequisites.
    assert [name for name in targets if name != "install" and not recipes.get(name, "").startswith("\t")] == []
