"""The tweet volumes of the Numenta Anomaly Benchmark as hourly series, and their labelled windows.

Ten series of mentions of companies, every five minutes from 2015-02-26 to 2015-04-23; summed to hours here. The times
carry no zone and are taken as UTC.
"""

import json
from datetime import date, timedelta
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa

from platform_assets.demo.planted_traffic import PlantedTraffic, planted_traffic
from platform_assets.domain.contracts.traffic_series import ALL, SITE
from platform_assets.domain.traffic.forecast_validation import forecast_validation
from platform_assets.domain.traffic.history import history_of
from platform_assets.domain.traffic.table import DecomposedDays


def tweets(folder: Path) -> pd.DataFrame:
    """Mentions by hour of every company, a series each: series, hour_at, events."""
    read = []
    for file in sorted((folder / "realTweets").glob("*.csv.gz")):
        rows = pd.read_csv(file, parse_dates=["timestamp"])
        hours = rows.groupby(rows["timestamp"].dt.floor("h"))["value"].sum()
        read.append(pd.DataFrame({"series": f"{SITE}:{_company(file.name)}", "hour_at": hours.index, "events": hours}))
    return pd.concat(read, ignore_index=True)


def windows(folder: Path) -> pd.DataFrame:
    """The labelled windows of anomalies: domain (the company), from_time, to_time."""
    labelled = json.loads((folder / "combined_windows.json").read_text())
    rows = [
        (_company(name), pd.Timestamp(begin).floor("h"), pd.Timestamp(end))
        for name, found in labelled.items()
        if name.startswith("realTweets/")
        for begin, end in found
    ]
    return pd.DataFrame(rows, columns=["domain", "from_time", "to_time"])


def decomposed(rows: pd.DataFrame) -> tuple[pa.Table, date, date]:
    """The rows of `traffic_decomposition` of all the days of these series, with the first day and the last."""
    total = rows.groupby("hour_at", as_index=False)["events"].sum().assign(series=ALL)
    every = pd.concat([rows, total]).query("events > 0")[["series", "hour_at", "events"]]
    first, last = (getattr(every["hour_at"], end)().date() for end in ("min", "max"))
    counts = pa.Table.from_pandas(every.astype({"hour_at": "datetime64[us]"}), preserve_index=False)
    return DecomposedDays(history_of(counts, first, last), first, last).reader().read_all(), first, last


def judged(folder: Path) -> tuple[PlantedTraffic, pd.DataFrame]:
    """Anomalies against the labelled windows, and the validated forecasts of every day."""
    rows, first, last = decomposed(tweets(folder))
    validation = forecast_validation(ibis.memtable(rows), first + timedelta(days=7), last).to_pandas()
    sites = validation[validation["series"] != ALL]
    return planted_traffic(ibis.memtable(rows), windows(folder)), sites


def _company(name: str) -> str:
    return name.split("_")[-1].split(".")[0]
