"""Traffic taken apart: what is found of the planted anomalies, how forecasts do, and what it costs beside statsmodels.

    python -m benchmarks.traffic_decomposition <landing zone> <days> <folder>

makes the events of a landing zone, in a process of its own, and leaves `traffic_series` as Parquet in the folder.
"""

import shutil
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.fresh_process import run
from benchmarks.nab_series import judged
from benchmarks.report import Section
from benchmarks.simulator import FIRST_DAY, simulated_world
from platform_assets.demo.planted_traffic import PlantedTraffic, planted_traffic, read_planted
from platform_assets.domain.traffic.decomposition import HOURS, as_counts, decompose, stabilised
from platform_assets.domain.traffic.forecast_errors import LOOK_BACK_DAYS
from platform_assets.domain.traffic.forecast_validation import forecast_validation
from platform_assets.domain.traffic.history import History, history_of
from platform_assets.domain.traffic.outlook import HISTORY_DAYS, HORIZON_DAYS, outlook
from platform_assets.domain.traffic.table import DecomposedDays

VOLUMES = (1_000_000, 3_000_000)
DAYS = 60
FIRST_JUDGED = 28
REFERENCE_SERIES, REFERENCE_ORIGINS = 30, (34, 41, 48)
SERIES = (100, 1_000, 3_000)
METHOD = f"""\
**Quality** is measured on the simulated world of {DAYS} days, from its files through the platform's own steps, against
what is planted: outages of sites and surges of topics from day {FIRST_JUDGED} on. A planted anomaly is found if an hour
of it is marked on its site; a run of marked hours is right if it overlaps an anomaly of its site; sites with fewer than
5 events an hour aren't judged. Forecasts are those of every day for the seven days after it, against the same hour of
the week before. The real series are the ten tweet volumes of the Numenta Anomaly Benchmark, summed to hours, with its
labelled windows; no figure was fitted to the labels, but two decisions came after a first look (docs/products.md).

**Cost** is CPU seconds within one process: the fit of one window of {HISTORY_DAYS} days against a loop of statsmodels'
MSTL (periods 24 and 168, its defaults) over series of the same world; then a whole day of the table (29 fits,
intervals, scores, rows), for Poisson series of one rhythm."""

Row = tuple[str, str, str]


def measure(scratch: Path, shared_data: Path | None) -> Section:
    """Planted worlds, real series where there are any, and costs."""
    rows: list[Row] = []
    figures: dict[str, Any] = {}
    for volume in VOLUMES:
        history, truth = history_and_truth(scratch, volume)
        rows += _quality(f"{volume / 1e6:g} M events", history, truth, figures)
        if volume == min(VOLUMES):
            rows += _against_mstl(history, figures)
    if shared_data:
        anomalies, validation = judged(shared_data / "nab_series")
        rows += _judged("tweet volumes", anomalies, validation, figures, planted="labelled windows")
    rows += _growth(figures)
    return Section(
        title="Traffic decomposition and forecast validation",
        command="python -m benchmarks traffic_decomposition",
        method=METHOD,
        header=("what", "measured", "must be"),
        rows=rows,
        figures=figures,
    )


def history_and_truth(scratch: Path, volume: int) -> tuple[History, pd.DataFrame]:
    """The hourly counts of a simulated world, made by the platform, and the anomalies planted in it."""
    landing_zone = simulated_world(scratch / "worlds", volume, DAYS)
    counts = scratch / "traffic" / f"{volume}.parquet"
    run(["-m", "benchmarks.traffic_decomposition", str(landing_zone), str(DAYS), str(counts)])
    history = history_of(pq.read_table(counts), FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1))
    assert history
    return history, read_planted(landing_zone.parent / "truth")


def _quality(name: str, history: History, truth: pd.DataFrame, figures: dict[str, Any]) -> list[Row]:
    first, last = FIRST_DAY + timedelta(days=FIRST_JUDGED), FIRST_DAY + timedelta(days=DAYS - 1)
    rows = DecomposedDays(history, FIRST_DAY, last).reader().read_all()
    table = ibis.memtable(rows)
    validation = forecast_validation(table, first, last).to_pandas()
    found = planted_traffic(table.filter(table.event_date >= first), truth)
    return _judged(name, found, validation, figures, planted="planted anomalies")


def _judged(
    name: str, found: PlantedTraffic, validation: pd.DataFrame, figures: dict[str, Any], planted: str
) -> list[Row]:
    hours = validation["hours"]
    errors = validation.assign(ours=validation["mean_absolute_error"] * hours, naive=validation["naive_error"] * hours)
    by_series = errors.groupby("series")[["ours", "naive"]].sum()
    by_horizon = validation.groupby("horizon_days")[["covered_hours", "interval_hours"]].sum()
    coverage = by_horizon["covered_hours"] / by_horizon["interval_hours"]
    total = validation["covered_hours"].sum() / validation["interval_hours"].sum()
    better = float((by_series["ours"] < by_series["naive"]).mean())
    ratio = float((by_series["ours"] / by_series["naive"]).median())
    figures[name] = vars(found) | {"coverage": total, "better_than_naive": better, "error_ratio": ratio}
    bar = "≥ 0.9" if planted.startswith("planted") else "as measured"
    return [
        (f"{name}: recall of {planted}", f"{found.recall:.3f} ({found.found} of {found.planted})", bar),
        (f"{name}: precision", f"{found.precision:.3f} ({found.right} of {found.runs} runs)", bar),
        (f"{name}: series that beat the seasonal naive forecast", f"{better:.0%} of {len(by_series)}", "≥ 80 %"),
        (f"{name}: error by that of the naive, median", f"{ratio:.2f}", ""),
        (f"{name}: coverage of the 90 % intervals", f"{total:.1%}", "85–95 %"),
        (f"{name}: coverage by days ahead, lowest and highest", f"{coverage.min():.1%}–{coverage.max():.1%}", ""),
    ]


def _against_mstl(history: History, figures: dict[str, Any]) -> list[Row]:
    """CPU seconds of the fits, and errors of forecasts that continue them, on the same series and windows."""
    from statsmodels.tsa.seasonal import MSTL

    ours, theirs, errors, naive_errors = 0.0, 0.0, [], []
    busiest = np.argsort(-history.counts.sum(axis=(1, 2)), kind="stable")[:REFERENCE_SERIES]
    places = sorted(busiest)
    few = History(tuple(history.names[place] for place in places), history.first, history.counts[places])
    for origin in REFERENCE_ORIGINS:
        window = few.window(few.first + timedelta(days=origin - 1), HISTORY_DAYS)
        came = few.counts[:, origin : origin + HORIZON_DAYS]
        known = np.broadcast_to(window.collected(), window.counts.shape)
        seconds, _ = _timed(lambda window=window, known=known: decompose(window.counts, known, window.weekdays()))
        ours += seconds
        made = outlook(window)
        errors.append(np.abs(as_counts(made.expected, made.spread[:, None]) - came).mean())
        even = stabilised(window.counts).reshape(len(window.counts), -1)
        seconds, fits = _timed(lambda even=even: [MSTL(series, periods=(24, 168)).fit() for series in even])
        theirs += seconds
        naive_errors.append(np.mean([np.abs(_continued(fit) - came[n].ravel()).mean() for n, fit in enumerate(fits)]))
    ratio, better = theirs / ours, float(np.mean(errors) / np.mean(naive_errors))
    per_fit = [1000 * seconds / (len(few.names) * len(REFERENCE_ORIGINS)) for seconds in (ours, theirs)]
    figures["mstl"] = {"cpu_ratio": ratio, "error_ratio": better, "ms_per_fit": per_fit}
    return [
        ("fit of a series, CPU ms: ours, MSTL", f"{per_fit[0]:.2f}, {per_fit[1]:.0f} ({ratio:.0f} times)", ""),
        ("error of the forecast by that of MSTL's continued parts", f"{better:.2f}", ""),
    ]


def _continued(fit: Any) -> np.ndarray:
    """MSTL's last trend and last week of seasons, once more: seven days ahead."""
    ahead = np.arange(HORIZON_DAYS * HOURS)
    day, week = fit.seasonal[-24:, 0], fit.seasonal[-168:, 1]
    spread = np.sqrt(np.mean(np.square(fit.resid)))
    return as_counts(fit.trend[-1] + day[ahead % 24] + week[ahead % 168], spread)


def _growth(figures: dict[str, Any]) -> list[Row]:
    found: list[Row] = []
    spent = {}
    for series in SERIES:
        history = _poisson(series, LOOK_BACK_DAYS + 1)
        day = history.first + timedelta(days=LOOK_BACK_DAYS)
        seconds, rows = _timed(lambda history=history, day=day: _rows(history, day, day))
        spent[series] = seconds
        grown = f", {seconds / spent[SERIES[0]]:.0f} times that of {SERIES[0]}" if series > SERIES[0] else ""
        found.append((f"a day of {series:,} series, {rows:,} rows", f"{seconds:.1f} CPU s{grown}", ""))
    history = _poisson(SERIES[0], LOOK_BACK_DAYS + 30)
    first = history.first + timedelta(days=LOOK_BACK_DAYS)
    seconds, _ = _timed(lambda: _rows(history, first, first + timedelta(days=29)))
    share = seconds / spent[SERIES[0]]
    found.append((f"30 days of {SERIES[0]} series in one run", f"{seconds:.1f} CPU s, {share:.1f} times one day", ""))
    figures["cpu_seconds_of_a_day"] = {str(series): seconds for series, seconds in spent.items()}
    figures["thirty_days_by_one"] = share
    return found


def _rows(history: History, first: date, last: date) -> int:
    return sum(batch.num_rows for batch in DecomposedDays(history, first, last).reader())


def _poisson(series: int, days: int) -> History:
    hour, day = np.arange(HOURS), np.arange(days)
    of_hour = 1 + 0.7 * np.sin(2 * np.pi * (hour - 13) / HOURS)
    rates = 30 * np.where(day % 7 >= 5, 1.4, 1.0)[:, None] * of_hour
    counts = np.random.default_rng(1).poisson(rates, (series, days, HOURS)).astype(float)
    names = ("all", *(f"site:{number:05d}" for number in range(series - 1)))
    return History(names, FIRST_DAY, counts)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def main(landing_zone: Path, days: int, target: Path) -> None:
    """Landed files → events → `traffic_series`, by the platform's own steps."""
    from benchmarks.raw_to_events_leg import Platform
    from platform_assets.domain.categories.domain_categories import no_categories
    from platform_assets.domain.sources import load_sources
    from platform_assets.domain.traffic.traffic_series import traffic_series
    from resources.lakehouse.io_manager import read

    (source,) = (source for source in load_sources(Path("config/sources.yaml")) if source.simulated)
    folder = target.parent / "platform"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    every = [FIRST_DAY + timedelta(days=day) for day in range(days)]
    platform = Platform(source, landing_zone, every, folder, full=False)
    platform.raw()
    platform.events()
    events = read(platform._lakehouse, platform._engine, platform._lakehouse.snapshot("events"), None)
    counts = platform._engine.backend.to_pyarrow(traffic_series(events, no_categories()).order_by("series", "hour_at"))
    pq.write_table(counts, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
