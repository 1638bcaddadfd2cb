"""The fate of each line of a batch: not sent yet, sent without an acknowledgment, rejected, or stored.

`Fates` holds one byte per line. `Fates.request` returns a `Shipment` for the lines of one request: `Sender` reports to
it when the request starts and how InfluxDB answers. What is stored stays stored: a point may be sent again, since
writing it twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import get_args

from shared.influx_answers import Action, Answer
from shared.stored import Fate

NAMES: tuple[Fate, ...] = get_args(Fate)
NOT_SENT, UNKNOWN, REJECTED, STORED = range(len(NAMES))
CODES = {name: code for code, name in enumerate(NAMES)}

_SEND = bytes(STORED if fate == STORED else UNKNOWN for fate in range(256))
"""A translation: the fate of a line after it is sent, by its fate before."""


class Fates:
    """The fates of the lines of one batch, numbered from 0.

    >>> fates = Fates.of_runs([("stored", 2), ("not_sent", 3)])
    >>> fates.set(3, UNKNOWN)
    >>> fates.runs()
    [('stored', 2), ('not_sent', 1), ('unknown', 1), ('not_sent', 1)]
    >>> fates.count(STORED)
    2
    """

    def __init__(self, lines: int) -> None:
        self._codes = bytearray(lines)

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[Fate, int]]) -> "Fates":
        """Return the fates that `runs` returned."""
        fates = cls(0)
        for name, lines in runs:
            fates._codes += bytes([CODES[name]]) * lines
        return fates

    def runs(self) -> list[tuple[Fate, int]]:
        """Return the fates as (name, number of lines) for each run of lines with the same fate, for JSON."""
        return [(NAMES[code], len(list(run))) for code, run in groupby(self._codes)]

    def count(self, fate: int) -> int:
        """Return the number of lines with this fate."""
        return self._codes.count(fate)

    def set(self, line: int, fate: int) -> None:
        """Set the fate of one line."""
        self._codes[line] = fate

    def mark_sent(self) -> None:
        """Record that all lines were sent once: those that are not stored may be."""
        self._codes[:] = self._codes.translate(_SEND)

    def request(self, lines: Sequence[int]) -> "Shipment":
        """Return the lines of one request. A range costs less than a list."""
        return Shipment(self._codes, lines)


class Shipment:
    """The lines that one request sends, and all attempts to send it."""

    def __init__(self, codes: bytearray, lines: Sequence[int]) -> None:
        self._codes = codes
        self._lines = lines
        self._before = b""

    def start(self) -> None:
        """Record that InfluxDB may store the lines from now on."""
        self._before = self._read()
        self._write(self._before.translate(_SEND))

    def end(self, answer: Answer) -> None:
        """Record an answer: the lines are stored, surely not stored, or still unknown."""
        if answer.action is Action.DONE:
            self._write(bytes([STORED]) * len(self._lines))
        elif not answer.may_be_stored:
            self._write(self._before)

    def _read(self) -> bytes:
        if isinstance(self._lines, range):
            return bytes(self._codes[self._lines.start : self._lines.stop])
        return bytes(self._codes[line] for line in self._lines)

    def _write(self, codes: bytes) -> None:
        if isinstance(self._lines, range):
            self._codes[self._lines.start : self._lines.stop] = codes
            return
        for line, code in zip(self._lines, codes, strict=True):
            self._codes[line] = code
