"""Templates of pages, which `base.html` frames.

The only script of a page is `copy.js`, for the buttons that copy a text. The page's content security policy contains
its hash, so that no other script runs, whatever a file or a key contains. Without scripts, the buttons are hidden.
"""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from shared.plausibility import format_duration

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER = Path(__file__).parent

COMPILED = "compiled"
"""The subfolder that holds the compiled templates in a deployment."""


@cache
def template(path: Path) -> "Template":
    """Load a template: as it was compiled for the deployment, or else from its source, which takes 0.1 s."""
    return environment(path.parent).get_template(path.name)


def environment(folder: Path) -> "Environment":
    """Return the Jinja environment for a folder of templates. Importing Jinja here keeps it out of cold starts."""
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, ModuleLoader  # noqa: PLC0415

    folders = [folder, FOLDER]
    compiled = ModuleLoader([path / COMPILED for path in folders])
    result = Environment(
        loader=ChoiceLoader([compiled, FileSystemLoader(folders)]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters |= {"number": number, "moment": moment, "span": format_duration, "duration": duration}
    script = (FOLDER / "copy.js").read_text()
    digest = b64encode(sha256(script.encode()).digest()).decode()
    result.globals |= {"script": script, "script_hash": f"'sha256-{digest}'"}
    return result


def number(value: float) -> str:
    """Format a number: whole if it is an integer or large, otherwise with four significant digits."""
    return f"{value:,.0f}" if isinstance(value, int) or 1000 <= abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004


def moment(time_ns: int) -> str:
    """Format a time in ns since 1970 as minutes in UTC."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return at.strftime("%Y-%m-%d %H:%M")


def duration(time_ns: int) -> str:
    """Format a duration as a whole number of the largest unit that allows one: 90 s are "90 s", 120 s are "2 min"."""
    units = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 10**9))
    name, unit = next(((name, unit) for name, unit in units if time_ns % unit == 0), ("ns", 1))
    return f"{time_ns // unit:,} {name}"
