"""The HTML pages about loads, backfills and the ledger: what they have in common, and the index of all loads.

They work from a file, without network access.
"""
