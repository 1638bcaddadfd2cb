"""The scale of a chart, which converts times and values to the coordinates of inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.profiles import Bin

WIDTH, HEIGHT = 720, 110


@dataclass(frozen=True)
class Scale:
    """Converts bin numbers and values to coordinates of the view box, which is WIDTH by HEIGHT."""

    first: int
    bins: int
    low: float
    span: float

    def x(self, bin_: float) -> float:
        """Return the x coordinate of the begin of a bin."""
        return round((bin_ - self.first) / self.bins * WIDTH, 1)

    def y(self, value: float) -> float:
        """Return the y coordinate. SVG counts downward. A field with only one value is drawn in the middle."""
        share = (value - self.low) / self.span if self.span else 0.5
        return round(HEIGHT - 4 - share * (HEIGHT - 8), 1)

    def line(self, run: Sequence[Bin], factor: float = 1) -> str:
        """Return the path of the means of a run of bins, which are `factor` times as wide as those of the chart."""
        points = [f"{self.x((bin_.number + 0.5) * factor)} {self.y(bin_.mean)}" for bin_ in run]
        return f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h1"

    def band(self, run: Sequence[Bin]) -> str:
        """Return the path of the band from the minima to the maxima of a run of bins."""
        tops = self._corners([(bin_.number, bin_.high) for bin_ in run])
        bottoms = self._corners([(bin_.number, bin_.low) for bin_ in run])
        return f"M{'L'.join(tops + bottoms[::-1])}Z"

    def _corners(self, values: list[tuple[int, float]]) -> list[str]:
        """Return the points of one edge of the band. A run of a single bin is drawn as a bar of the bin's width."""
        if len(values) == 1:
            (bin_, value) = values[0]
            return [f"{self.x(bin_)} {self.y(value)}", f"{self.x(bin_ + 1)} {self.y(value)}"]
        return [f"{self.x(bin_ + 0.5)} {self.y(value)}" for bin_, value in values]
