"""The line of each key and table of a TOML file, which Python's own parser does not keep."""

from collections import Counter
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
"""The keys and list indexes that lead to a value, from the root of the file."""


def line_numbers(text: str) -> dict[Path, int]:
    r"""Return the line of each key, table and list item of a valid TOML file, counted from 1.

    >>> line_numbers('[a]\nb = [\n  {c = 1},\n]')
    {('a',): 1, ('a', 'b'): 2, ('a', 'b', 0): 3, ('a', 'b', 0, 'c'): 3}
    """
    root = Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node
    tables: Counter[Path] = Counter()
    lines: dict[Path, int] = {}
    for node in root.named_children:
        path: Path = ()
        if node.type in ("table", "table_array_element"):
            path = _keys(node.named_children[0])
            if node.type == "table_array_element":
                tables[path] += 1
                path = (*path, tables[path] - 1)
            lines[path] = _line(node)
        lines |= dict(_lines(node, path))
    return lines


def _lines(node: Node, path: Path) -> Iterator[tuple[Path, int]]:
    """Yield the lines of everything inside a node, which `path` leads to."""
    if node.type == "pair":
        key, value = node.named_children[:2]
        path = (*path, *_keys(key))
        yield path, _line(node)
        yield from _lines(value, path)
    elif node.type == "array":
        items = [child for child in node.named_children if child.type != "comment"]
        for index, item in enumerate(items):
            yield (*path, index), _line(item)
            yield from _lines(item, (*path, index))
    elif node.type in ("document", "table", "table_array_element", "inline_table"):
        for child in node.named_children:
            yield from _lines(child, path)


def _keys(node: Node) -> Path:
    if node.type == "dotted_key":
        return tuple(key for child in node.named_children for key in _keys(child))
    return ((node.text or b"").decode().strip("\"'"),)


def _line(node: Node) -> int:
    return node.start_point.row + 1
