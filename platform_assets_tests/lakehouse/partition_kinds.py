"""Every kind of partitions with the column types that tell its partitions apart and the downstreams that read it."""

from collections.abc import Sequence

import dagster as dg

from platform_assets_tests.lakehouse import partition_worlds as w
from platform_assets_tests.lakehouse.partition_worlds import Dimension, Layout, Link, one, two

INSTANTS = ("timestamp", "utc", "berlin")
TIMES = ("date", "string", *INSTANTS)
Kind = list[tuple[Layout, list[Link]]]


def _single(own: Dimension, dtypes: Sequence[str], links: Sequence[Link] = ()) -> Kind:
    general = (w.everything, w.same, w.every_one_reads_all, w.named_partitions, w.last_partition)
    layouts = [one("part", own, dtype) for dtype in dtypes]
    return [(layout, [*(link(layout) for link in general), *links]) for layout in layouts]


def _multi(*layouts: Layout) -> Kind:
    general = (w.everything, w.same, w.named_partitions)
    return [
        (layout, [*(link(layout) for link in general), *(w.one_dimension(layout, name) for name in layout.dimensions)])
        for layout in layouts
    ]


def _windows(own: Dimension, *others: Dimension) -> list[Link]:
    shifted = [w.window(own, own, first, last) for first, last in [(-2, 0), (-3, -1), (0, 1), (1, 2)]]
    return [*shifted, *(w.window(own, other, first, 0) for other in others for first in (0, -1))]


def _into_multi(upstream: Dimension, other: Dimension) -> Link:
    both = two(other=(other, "string"), part=(upstream, "string"))
    return Link(both, None, lambda keys: [key.split("|")[1] for key in keys])


FEWER_DAYS = w.days("2024-02-28", 3)
OTHER_COLOURS = Dimension(dg.StaticPartitionsDefinition(["A", "more", "red"]), ["A", "more", "red"])

KINDS: dict[str, Kind] = {
    "days": _single(
        w.DAYS,
        TIMES,
        [
            *_windows(w.DAYS, w.HOURS, w.WEEKS, w.MONDAYS, w.MONTHS, w.SIX_HOURS),
            w.same_keys(FEWER_DAYS, w.DAYS),
            _into_multi(w.DAYS, w.COLOURS),
        ],
    ),
    "hours": _single(w.HOURS, ["string", *INSTANTS], _windows(w.HOURS, w.DAYS, w.SIX_HOURS, w.WEEKS)),
    "weeks": _single(w.WEEKS, TIMES, _windows(w.WEEKS, w.DAYS, w.MONDAYS, w.MONTHS)),
    "mondays": _single(w.MONDAYS, TIMES, _windows(w.MONDAYS, w.DAYS, w.WEEKS)),
    "months": _single(w.MONTHS, TIMES, _windows(w.MONTHS, w.DAYS, w.WEEKS)),
    "six_hours": _single(w.SIX_HOURS, ["string", *INSTANTS], _windows(w.SIX_HOURS, w.DAYS, w.HOURS)),
    "days_of_berlin": [
        *_single(w.AUTUMN_DAYS, ["string", *INSTANTS], _windows(w.AUTUMN_DAYS, w.AUTUMN_HOURS)),
        *_single(w.SPRING_DAYS, ["string", *INSTANTS], _windows(w.SPRING_DAYS, w.SPRING_HOURS)),
    ],
    "hours_of_berlin": [
        *_single(w.AUTUMN_HOURS, ["string", *INSTANTS], _windows(w.AUTUMN_HOURS, w.AUTUMN_DAYS)),
        *_single(w.SPRING_HOURS, ["string", *INSTANTS], _windows(w.SPRING_HOURS, w.SPRING_DAYS)),
    ],
    "static": [
        *_single(w.COLOURS, ["string"], [w.same_keys(OTHER_COLOURS, w.COLOURS), _into_multi(w.COLOURS, w.DAYS)]),
        *_single(w.NUMBERS, ["integer", "string"]),
    ],
    "dynamic": _single(w.DYNAMIC, ["string"]),
    "multi": _multi(
        *(two(day=(w.DAYS, dtype), colour=(w.COLOURS, "string")) for dtype in TIMES),
        *(two(hour=(w.HOURS, dtype), floor=(w.NUMBERS, "integer")) for dtype in INSTANTS),
        *(two(a_week=(w.WEEKS, dtype), shop=(w.DYNAMIC, "string")) for dtype in ("date", "utc")),
        two(floor=(w.NUMBERS, "integer"), colour=(w.COLOURS, "string")),
        two(day=(w.AUTUMN_DAYS, "berlin"), colour=(w.COLOURS, "string")),
    ),
    "none": [
        (Layout({}), [Link(None, None, lambda _: [""]), Link(one("day", w.DAYS, "string"), None, lambda _: [""])]),
        *(
            (Layout({"part": (dimension, dtype)}, False), [Link(None, None, lambda _: [""])])
            for dimension, dtype in [
                (w.DAYS, "date"),
                (w.COLOURS, "string"),
                (w.NUMBERS, "integer"),
            ]
        ),
    ],
}
"""Name → layouts of an upstream table, each with downstreams that may read it."""
