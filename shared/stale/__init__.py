"""Stale points: those that a replaced load wrote, and that no current file contains.

`ledger` reads which loads may matter, and `standing` decides which of them are current, replaced, or not judged yet.
`fate` reads which points of a replaced load are stored. `search` compares the footprints part by part. It only reads:
nothing in this package deletes a point.
"""
