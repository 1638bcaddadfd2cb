"""Tables with the columns that ENTSO-E, AEMO, and ONS publish, filled with made-up values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

START = datetime(2024, 1, 1)  # noqa: DTZ001 - local times are the subject


def entsoe(hours: int = 48) -> pa.Table:
    """Return generation by type: times of UTC in a column that says so, areas that have several names, and gaps."""
    kinds, areas = ["Solar", "Wind Onshore", "Fossil Gas"], [("10YBE----------2", "BE"), ("10YFR-RTE------C", "FR")]
    rows = [(START + timedelta(hours=hour), *area, kind) for hour in range(hours) for area in areas for kind in kinds]
    times, codes, names, types = zip(*rows, strict=True)
    values = _values(len(rows))
    return pa.table(
        {
            "DateTime(UTC)": pa.array(times, pa.timestamp("ms")),
            "ResolutionCode": ["PT60M"] * len(rows),
            "AreaCode": codes,
            "MapCode": names,
            "ProductionType": types,
            "ActualGenerationOutput[MW]": values,
            "ActualConsumption[MW]": [None if row % 3 else value for row, value in enumerate(values)],
            "UpdateTime(UTC)": pa.array([time + timedelta(days=1) for time in times], pa.timestamp("ms")),
        }
    )


def aemo(intervals: int = 60) -> pa.Table:
    """Return dispatch of regions: upper-case names, numbers of runs and intervals, and a flag."""
    regions = ["NSW1", "QLD1", "VIC1"]
    rows = [(START + timedelta(minutes=5 * n), n, region) for n in range(1, intervals + 1) for region in regions]
    times, numbers, names = zip(*rows, strict=True)
    return pa.table(
        {
            "SETTLEMENTDATE": pa.array(times, pa.timestamp("us")),
            "RUNNO": [1] * len(rows),
            "REGIONID": names,
            "DISPATCHINTERVAL": [20240101000 + number for number in numbers],
            "INTERVENTION": [0] * len(rows),
            "TOTALDEMAND": _values(len(rows)),
            "AVAILABLEGENERATION": _values(len(rows), seed=2),
            "LASTCHANGED": pa.array([time + timedelta(seconds=7) for time in times], pa.timestamp("us")),
        }
    )


def ons(days: Sequence[datetime] = (datetime(2018, 11, 3, tzinfo=UTC), datetime(2018, 11, 6, tzinfo=UTC))) -> pa.Table:
    """Return generation of plants in local time as text, without the hour that the clocks of São Paulo skipped."""
    hours = int((days[1] - days[0]) / timedelta(hours=1))
    local = [days[0] + timedelta(hours=hour) for hour in range(hours)]
    times = [f"{time:%Y-%m-%d %H:%M:%S}" for time in local if f"{time:%m-%d %H}" != "11-04 00"]
    plants = [("N", "EOLIELÉTRICA", "Alegria I"), ("N", "HIDROELÉTRICA", "Balbina"), ("N", "HIDROELÉTRICA", "-")]
    rows = [(time, *plant) for time in times for plant in plants]
    instants, regions, kinds, names = zip(*rows, strict=True)
    return pa.table(
        {
            "din_instante": instants,
            "id_subsistema": [f"{region} " for region in regions],
            "nom_tipousina": kinds,
            "nom_usina": names,
            "val_geracao": [f"{value:.3f}" for value in _values(len(rows))],
        }
    )


def long_table(hours: int = 24) -> pa.Table:
    """Return energy and power in the long layout, with column names in upper case and times in ms since 1970."""
    first = 1_704_067_200_000
    rows = [
        (first + 3_600_000 * hour, site, unit) for hour in range(hours) for site in (1, 2) for unit in ("kW", "MWh")
    ]
    times, sites, units = zip(*rows, strict=True)
    return pa.table({"Ts": times, "SiteNo": sites, "Unit": units, "Value": _values(len(rows))})


def _values(count: int, seed: int = 1) -> list[float]:
    return np.random.default_rng(seed).uniform(0, 900, count).round(3).tolist()  # type: ignore[no-any-return]
