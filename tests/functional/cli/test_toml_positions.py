"""The lines of keys, tables and list items in TOML."""

from cli.toml_positions import line_numbers

TOML = """\
# a comment
top = 1
[plants]
"odd key" = 2
fields = [  # a list
  # with a comment
  { name = "a" },
  { name = "b",
    unit = "MW" },
]
[plants.aliases]
old.name = "new"
[[rules]]
[[rules]]
name = "second"
"""


def test_every_key_table_and_item_has_its_line() -> None:
    assert line_numbers(TOML) == {
        ("top",): 2,
        ("plants",): 3,
        ("plants", "odd key"): 4,
        ("plants", "fields"): 5,
        ("plants", "fields", 0): 7,
        ("plants", "fields", 0, "name"): 7,
        ("plants", "fields", 1): 8,
        ("plants", "fields", 1, "name"): 8,
        ("plants", "fields", 1, "unit"): 9,
        ("plants", "aliases"): 11,
        ("plants", "aliases", "old", "name"): 12,
        ("rules", 0): 13,
        ("rules", 1): 14,
        ("rules", 1, "name"): 15,
    }
