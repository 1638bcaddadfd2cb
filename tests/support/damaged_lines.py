"""Line protocol with random damage, most of which makes a line malformed."""

import random
from collections.abc import Iterator, Sequence


def damaged_lines(lines: Sequence[str], characters: str, *, count: int, seed: int) -> Iterator[str]:
    """Yield `count` of the lines, each with one to three characters changed, put in or taken out."""
    choice = random.Random(seed)  # noqa: S311
    for _ in range(count):
        line = list(choice.choice(lines))
        for _ in range(choice.randint(1, 3)):
            start = choice.randrange(len(line))
            line[start : start + choice.randint(0, 1)] = choice.choice([*characters, ""])
        yield "".join(line)
