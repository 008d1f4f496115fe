"""The section `data`: until when data has landed and become events, what is missing, what is quarantined."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from platform_assets.domain.status.line import Line, Mark, days, some

SECTION = "data"
QUARANTINE_LIMIT = 0.01
"""Share of the last days' rows in the quarantine from which on the source or a rule is looked at."""


@dataclass(frozen=True)
class DailyTable:
    """A table that is cut by day: the days that were computed, also the empty ones."""

    name: str
    computed: frozenset[date]

    @property
    def newest(self) -> date | None:
        """The last computed day."""
        return max(self.computed, default=None)

    @property
    def missing(self) -> list[date]:
        """The days between the first and the last computed one that never were."""
        if not self.computed:
            return []
        first = min(self.computed)
        span = (max(self.computed) - first).days
        return [day for number in range(span) if (day := first + timedelta(days=number)) not in self.computed]


@dataclass(frozen=True)
class Quarantined:
    """Rows of a table's last days, and how many of them are in its quarantine."""

    table: str
    rows: int
    quarantined: int

    @property
    def share(self) -> float:
        """The quarantined share of all."""
        return self.quarantined / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Data:
    """All that is known of the data.

    `calendar_end` is the last day that is over; None where the data ends by itself (the simulated world), and nobody
    waits for more. `reopened` are event days that read other raw rows now than when they were computed.
    """

    raws: Sequence[DailyTable]
    events: DailyTable
    products: Sequence[DailyTable]
    quarantined: Sequence[Quarantined]
    calendar_end: date | None
    reopened: Sequence[date] = ()


def data_lines(data: Data) -> list[Line]:
    """Landing, events, quarantine and the tables made of them; nothing published is one line with the first step."""
    if not any(raw.computed for raw in data.raws):
        todo = "`platform demo` simulates a world; for own data see `platform sources --help`, then start `make dev`"
        return [Line(SECTION, "lake", Mark.ACT, "nothing has been published yet", todo)]
    return [_landed(data), _events(data), _quarantine(data), *_products(data)]


def _landed(data: Data) -> Line:
    newest = {raw.name: raw.newest for raw in data.raws}
    oldest = min((raw for raw in data.raws), key=lambda raw: raw.newest or date.min)
    missing = {raw.name: raw.missing for raw in data.raws if raw.missing}
    figures = {"newest_landing_dates": newest, "missing_landing_dates": missing}
    said = f"newest landing day {oldest.newest or 'none'}" + (f" ({oldest.name})" if len(data.raws) > 1 else "")
    late = (data.calendar_end - oldest.newest).days if data.calendar_end and oldest.newest else 0
    todo = "docs/runbooks/landing-day-missing-or-late.md"
    if oldest.newest is None or late > 1:
        behind = f"{days(late)} behind" if oldest.newest else "never landed"
        return Line(SECTION, "landed", Mark.ACT, f"{said}, {behind}", todo, figures)
    if missing:
        name, gaps = next(iter(missing.items()))
        told = f"{said}; {days(sum(map(len, missing.values())))} missing: {name} {some(gaps)}"
        return Line(SECTION, "landed", Mark.ACT, told, todo, figures)
    end = "" if data.calendar_end else ", where the simulated world ends"
    number = max(len(raw.computed) for raw in data.raws)
    return Line(SECTION, "landed", Mark.OK, f"{said}{end}; {days(number)}, none missing", figures=figures)


def _events(data: Data) -> Line:
    events, landed = data.events, max(raw.newest for raw in data.raws if raw.newest)
    figures = {
        "newest_event_date": events.newest,
        "missing_event_dates": events.missing,
        "reopened_event_dates": list(data.reopened),
    }
    compute = "materialise events for these days (the sensor late_events asks for them while the daemon runs)"
    if events.newest is None:
        return Line(SECTION, "events", Mark.ACT, "no day was ever computed", compute, figures)
    said = f"newest event day {events.newest}"
    behind = (landed - events.newest).days
    if behind > 1 or events.missing:
        gaps = f"{days(behind)} behind what landed" if behind > 1 else f"missing {some(events.missing)}"
        return Line(SECTION, "events", Mark.ACT, f"{said}; {gaps}", compute, figures)
    if data.reopened:
        told = f"{said}; {days(len(data.reopened))} would come out otherwise now: {some(data.reopened)}"
        return Line(SECTION, "events", Mark.WATCH, told, compute, figures)
    return Line(SECTION, "events", Mark.OK, f"{said}; {days(len(events.computed))}, all up to date", figures=figures)


def _quarantine(data: Data) -> Line:
    worst = max(data.quarantined, key=lambda each: (each.share, each.table), default=Quarantined("", 0, 0))
    figures = {each.table: {"rows": each.rows, "quarantined": each.quarantined} for each in data.quarantined}
    over = [each for each in data.quarantined if each.share > QUARANTINE_LIMIT]
    if over:
        told = "; ".join(f"{each.table} {each.share:.1%} of the last 7 days' rows" for each in over[:2])
        todo = f"`platform quarantine show {worst.table}` tells the reasons"
        return Line(SECTION, "quarantine", Mark.WATCH, told, todo, figures)
    told = f"at most {worst.share:.2%} of a table's last 7 days ({worst.table})" if worst.share else "none in 7 days"
    return Line(SECTION, "quarantine", Mark.OK, told, figures=figures)


def _products(data: Data) -> list[Line]:
    until = data.events.newest
    if until is None or not data.products:
        return []
    behind = {each.name: each.newest for each in data.products if (each.newest or date.min) < until}
    gaps = {each.name: each.missing for each in data.products if each.missing}
    figures = {"behind": behind, "missing": gaps}
    if not behind and not gaps:
        told = f"all {len(data.products)} tables made of events reach {until}"
        return [Line(SECTION, "products", Mark.OK, told, figures=figures)]
    ends = [f"{name} ends {newest or 'nowhere'}" for name, newest in behind.items()]
    ends += [f"{name} lacks {some(missing, 1)}" for name, missing in gaps.items() if name not in behind]
    name = next(iter(behind or gaps))
    todo = f"materialise {name} (Dagster UI: Assets → {name} → Materialize, missing partitions)"
    said = f"{len(ends)} of {len(data.products)} tables behind: {some(ends, 2)}"
    return [Line(SECTION, "products", Mark.WATCH, said, todo, figures)]
