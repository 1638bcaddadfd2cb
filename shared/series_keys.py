r"""The names of series: measurement and tags as in line protocol, such as `generation_data,plant=Ilha\ Solteira`."""

import re

Tags = tuple[tuple[str, str], ...]
"""The tags of a series with their values, in the order of their names."""

_SEPARATOR = re.compile(r"(?<!\\),")
_ESCAPE = re.compile(r"\\([,= ])")


def tags_of(series: str) -> Tags:
    r"""Return the tags of a series, unescaped.

    A backslash in front of a comma always escapes it: conversion sets aside values where it would not.

    >>> tags_of(r"m,plant=A\,B,region=S\ E")
    (('plant', 'A,B'), ('region', 'S E'))
    """
    pairs = (pair.partition("=") for pair in _SEPARATOR.split(series)[1:])
    return tuple((_ESCAPE.sub(r"\1", tag), _ESCAPE.sub(r"\1", value)) for tag, _, value in pairs)


def series_name(measurement: str, tags: Tags) -> str:
    r"""Return the name of a series. A tag without a value does not count.

    >>> series_name("m", (("region", "S E"), ("plant", "A,B"), ("operator", "")))
    'm,plant=A\\,B,region=S\\ E'
    """
    texts = (f",{_escaped(tag)}={_escaped(value)}" for tag, value in sorted(tags) if value)
    return measurement.replace(",", r"\,").replace(" ", r"\ ") + "".join(texts)


def _escaped(text: str) -> str:
    return text.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")
