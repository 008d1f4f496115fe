"""What is told of `user_ids` beside its rows: figures of every day, and how many identifiers persons have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis

from platform_assets.domain.contracts.user_ids import IDENTIFIER_COLUMNS
from platform_assets.domain.drawing import ACCENT, GRID, INK, WARNING, as_png, blank_figure
from platform_assets.domain.identity.shared_identifiers import HUB_WINDOW_DAYS
from platform_assets.domain.identity.user_ids import MEMORY_DAYS, latest_rows

DayFigures = dict[str, dict[str, int]]

SIZE_BINS = (
    *((str(size), size, size) for size in range(1, 8)),
    ("8–12", 8, 12),
    ("13–20", 13, 20),
    ("21–50", 21, 50),
    ("51+", 51, 10**12),
)
"""How many identifiers a person has, as shown: label, from, to."""


def summary_by_day(rows: ibis.Table) -> DayFigures:
    """Figures by day (ISO text) for the UI: persons, identifiers, changes, hubs seen, found today, and the largest.

    `moved` counts identifiers that belong to another person than the day before; `largest_hub` with how many others of
    one kind the most shared identifier of the day was seen.
    """
    found = rows.group_by("event_date").aggregate(
        identifiers=rows.count(),
        persons=rows.user_id.nunique(),
        moved=rows.count(where=rows.previous_user_id.notnull()),
        hubs=rows.count(where=rows.is_hub),
        largest_hub=rows.shared_by.max().fill_null(0),
    )
    return {row.pop("event_date").isoformat(): row for row in found.to_pyarrow().to_pylist()}


@dataclass(frozen=True)
class IdentitySizes:
    """What is known when a day ends: number of persons by number of identifiers, and hubs by kind.

    `hubs` gives for every kind how many hubs there are, and with how many others the most shared of them was seen in
    the last 28 days.
    """

    persons: Mapping[int, int]
    hubs: Mapping[str, tuple[int, int]]


def identity_sizes(rows: ibis.Table, earlier: ibis.Table | None, last: date) -> IdentitySizes:
    """The sizes after the day `last`, from the rows of some days up to it and of the days `earlier`."""
    remembered = last - timedelta(days=MEMORY_DAYS)
    every = rows if earlier is None else ibis.union(rows, earlier.select(*rows.columns))
    known = latest_rows(every).filter(ibis._.last_seen_date >= remembered)
    of_person = known.filter(~known.is_hub).group_by("user_id").aggregate(size=ibis._.count())
    persons = of_person.group_by("size").aggregate(persons=of_person.count()).to_pyarrow().to_pylist()
    counted = every.filter(every.is_hub, every.event_date > last - timedelta(days=HUB_WINDOW_DAYS))
    largest = counted.group_by("identifier").aggregate(shared_by=counted.shared_by.max())
    hubs = known.filter(known.is_hub).left_join(largest, "identifier")
    by_kind = hubs.group_by("kind").aggregate(hubs=hubs.count(), largest=hubs.shared_by.max().fill_null(0))
    return IdentitySizes(
        persons={row["size"]: row["persons"] for row in persons},
        hubs={row["kind"]: (row["hubs"], row["largest"]) for row in by_kind.to_pyarrow().to_pylist()},
    )


def sizes_picture(sizes: IdentitySizes, day: date) -> bytes:
    """Persons by number of identifiers, and hubs by kind; both on logarithmic scales, 1100 pixels wide."""
    persons, identifiers = sum(sizes.persons.values()), sum(size * count for size, count in sizes.persons.items())
    figure = blank_figure(f"{persons:,} persons with {identifiers:,} identifiers, {day}", width=11)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_persons(left, sizes.persons)
    _draw_hubs(right, sizes.hubs)
    return as_png(figure)


def _draw_persons(axes, persons: Mapping[int, int]) -> None:  # type: ignore[no-untyped-def]  # matplotlib comes late
    bins = [
        (label, sum(count for size, count in persons.items() if low <= size <= high)) for label, low, high in SIZE_BINS
    ]
    while len(bins) > 6 and not bins[-1][1]:
        bins.pop()
    bars = axes.bar([label for label, _ in bins], [count for _, count in bins], color=ACCENT, width=0.8)
    axes.bar_label(bars, [f"{count:,}" if count else "" for _, count in bins], fontsize=8, color=INK, padding=2)
    _logarithmic(axes.yaxis, axes.set_ylim, max(count for _, count in bins))
    axes.tick_params(axis="x", labelsize=8)
    axes.set(title="Persons", xlabel="identifiers of a person (logins, cookies, devices, addresses)", ylabel="persons")
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)


def _draw_hubs(axes, hubs: Mapping[str, tuple[int, int]]) -> None:  # type: ignore[no-untyped-def]
    counts = {kind: hubs.get(kind, (0, 0)) for kind in reversed(IDENTIFIER_COLUMNS)}
    names = [f"{kind}\nwith up to {largest:,} others" if count else kind for kind, (count, largest) in counts.items()]
    bars = axes.barh(names, [count for count, _ in counts.values()], color=WARNING, height=0.6)
    told = [f"{count:,}" if count else "none" for count, _ in counts.values()]
    axes.bar_label(bars, told, fontsize=9, color=INK, padding=4)
    axes.tick_params(axis="y", labelsize=8)
    _logarithmic(axes.xaxis, axes.set_xlim, 2 * max(count for count, _ in counts.values()))
    axes.set(title="Hubs: shared by too many, nobody's", xlabel="hubs")
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)


def _logarithmic(axis, limit, top: int) -> None:  # type: ignore[no-untyped-def]
    """A logarithmic axis from below 1, so that a single one shows, with whole numbers at its ticks"""
    if not top:
        limit(0, 1)
        axis.set_ticks([0])
        return
    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    limit(0.5, 2.5 * max(top, 10))
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
    axis.set_minor_formatter(lambda *_: "")
