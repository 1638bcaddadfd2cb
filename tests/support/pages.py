"""Checks of HTML pages: complete by themselves, well-formed, and accessible.

`Page` records what a page contains. `check_alone` looks for what would be fetched or run, and `check_structure` for
what a screen reader needs. `axe_violations` runs axe-core in a headless Chromium, if the machine has one.
"""

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

RESULT = re.compile(r'<pre id="axe-result">(.*?)</pre>', re.DOTALL)
RUN_AXE = """
axe.run().then(results => {
  const element = document.createElement("pre");
  element.id = "axe-result";
  element.textContent = JSON.stringify(results.violations.map(v => [v.id, v.nodes.map(node => node.html)]));
  document.body.append(element);
});
"""


class Page(HTMLParser):
    """A parser that records the elements with their attributes, and the visible text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is that of the base class
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open not in ("script", "style"):
            self.texts.append(data)

    def of(self, *names: str) -> list[dict[str, str]]:
        """Return the attributes of the elements with these names."""
        return [attributes for name, attributes in self.elements if name in names]

    @property
    def names(self) -> set[str]:
        """The names of all elements."""
        return {name for name, _ in self.elements}

    @property
    def text(self) -> str:
        """The visible text, without the buttons that appear only with a script."""
        return " ".join(" ".join(self.texts).replace("Copy", " ").split())


def check_alone(content: str) -> None:
    """Check that the page fetches nothing, and runs nothing but the script that its policy names."""
    page = Page(content)
    fetched = page.of("link", "img", "iframe", "object", "embed", "form", "base")
    fetched += [
        attributes for name, attributes in page.elements if name != "a" and {"src", "href", "data"} & set(attributes)
    ]
    assert fetched == []
    assert not re.search(r"url\(|@import", content)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    scripts = re.findall(r"<script>(.*?)</script>", content, re.DOTALL)
    assert len(scripts) == len(page.of("script")) <= 1
    hashes = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    [policy] = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert re.findall(r"script-src ([^;]+)", policy) == hashes
    assert policy.startswith("default-src 'none'")


def check_structure(content: str) -> None:
    """Check that the page is valid HTML 5, and that what is seen can also be heard."""
    html5lib.HTMLParser(strict=True).parse(content)
    page = Page(content)
    assert [attributes.get("lang") for attributes in page.of("html")] == ["en"]
    assert len(page.of("title")) == len(page.of("main")) == len(page.of("h1")) == 1
    levels = [int(name[1]) for name in (name for name, _ in page.elements) if re.fullmatch(r"h\d", name)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert {attributes.get("scope") for attributes in page.of("th")} <= {"col", "row"}
    assert all(re.search(r"<th\b", table) for table in re.findall(r"<table.*?</table>", content, re.DOTALL))
    assert all(attributes.get("aria-label") for _, attributes in page.elements if attributes.get("role") == "img")
    assert all(svg.get("role") == "img" or svg.get("aria-hidden") == "true" for svg in page.of("svg"))
    assert all(image.get("alt") for image in page.of("img"))
    assert all(button.get("aria-label") for button in page.of("button"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)


def browser() -> str:
    """Return the path of Chromium, or "" if it is not installed."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), "")


def axe_violations(content: str, folder: Path) -> list[Any]:
    """Return the rules of axe-core that the page violates in Chromium, each with the elements."""
    axe = (ROOT / "node_modules/axe-core/axe.min.js").read_text()
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", content)
    file = folder / "page.html"
    file.write_text(
        page.replace("</body>", f"<script>{axe}</script><script>{RUN_AXE}</script></body>"), encoding="utf-8"
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [browser(), *options, "--virtual-time-budget=20000", "--dump-dom", file.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    match = RESULT.search(ended.stdout)
    assert match, ended.stderr[-2000:]
    violations: list[Any] = json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return violations
