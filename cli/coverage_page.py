"""The page of `loader coverage --html`: a heat map for each dataset, in one file that loads nothing else."""

from collections.abc import Iterable
from html import escape
from itertools import groupby

from cli.coverage import Coverage, Period

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Coverage</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }}
tr > th {{ text-align: left; font-weight: normal; color: #555; padding-right: 1em; }}
td {{ width: 14px; height: 14px; border-radius: 2px; }}
.none {{ background: #d33; }}
.partly {{ outline: 2px solid #e80; outline-offset: -2px; }}
@media print {{ body {{ print-color-adjust: exact; }} tr {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<main>
<h1>Coverage</h1>
<p>A cell is a day, or a month over more than 400 days. The darker it is, the more of the usual series have points; red
cells have none. An orange border marks partly loaded files.</p>
{datasets}
</main>
</body>
</html>
"""


def render_page(coverages: Iterable[Coverage]) -> str:
    """Return the page."""
    return PAGE.format(datasets="\n".join(map(_render_dataset, coverages)))


def _render_dataset(coverage: Coverage) -> str:
    rows = groupby(coverage.periods, lambda period: period.period.rpartition("-")[0])
    cells = [(escape(name), _cells(coverage, list(periods))) for name, periods in rows]
    lines = [f'<tr><th scope="row">{name}</th>{row}</tr>' for name, row in cells]
    about = f"{coverage.files:,} files, usually {coverage.usual_series:,} series, {len(coverage.gaps):,} gaps"
    return f"<h2>{escape(coverage.dataset)}</h2><p>{about}</p><table>{''.join(lines)}</table>"


def _cells(coverage: Coverage, periods: list[Period]) -> str:
    """Return the cells of a row, which begins with the first day of the month, or the first month of the year."""
    offset = int(periods[0].period.rpartition("-")[2]) - 1
    return "<td></td>" * offset + "".join(_cell(coverage, period) for period in periods)


def _cell(coverage: Coverage, period: Period) -> str:
    share = min(1.0, period.series / max(1, coverage.usual_series))
    color = f"hsl(210 70% {92 - 52 * share:.0f}%)"
    names = " ".join(["none"] * (not period.points) + ["partly"] * bool(period.partly_loaded))
    title = f"{period.period}: {period.points:,} points, {period.series:,} series"
    style = f' style="background: {color}"' if period.points else ""
    return f'<td class="{names}" title="{escape(title)}"{style}></td>'
