"""The cost of what each backfill and sweep reads from the ledger's index of changes, however few files it loads."""

from shared.pages.index import LOAD_STATUSES, MAX_LOADS, PAGE_SIZE

ITEM_KB = 3
"""The size of an item with the calendar of a month. DynamoDB bills half a unit for each 4 KB of such a read."""

FAILED = 1_000
SWEEPS = 30 * 24 * 4
"""The sweeps of a month, one every 15 minutes."""

SECTION = """\
## Backfills and sweeps

Each backfill and each sweep ends by writing the page of the last {loads} loads (ReportBackfill). To do so, it reads at
most {items} items of the ledger's index: {page_units:.0f} read units (${page:.6f}), if each has {size} KB. A sweep
(ListFiles) also reads the items of all versions that failed or are claimed: {failed_units:.0f} units for {failed:,} of
them (${failed_cost:.6f}). With a sweep every 15 minutes, these are ${page_month:.2f} and ${failed_month:.2f} a month.
What else a sweep costs is in [deploy.md](deploy.md#cost), and so is the cost of
[listing many files](deploy.md#backfills-of-many-files).
"""


def sweep_section(price: float) -> str:
    """Return the part of the page about backfills and sweeps. `price` is that of a read unit in US dollars."""
    items = MAX_LOADS + len(LOAD_STATUSES) * PAGE_SIZE  # of each status, a page may be read for its first item only
    page_units, failed_units = _units(items), _units(FAILED)
    return SECTION.format(
        loads=MAX_LOADS,
        items=items,
        size=ITEM_KB,
        page_units=page_units,
        page=page_units * price,
        failed=FAILED,
        failed_units=failed_units,
        failed_cost=failed_units * price,
        page_month=SWEEPS * page_units * price,
        failed_month=SWEEPS * failed_units * price,
    )


def _units(items: int) -> float:
    return items * ITEM_KB / 4 / 2
