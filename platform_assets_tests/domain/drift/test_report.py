"""The report of a day stands alone in one file, says its verdict first, and shows every column, the furthest first."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.drift.comparison import FEATURE, LAST_WEEK, TRAINING, Pair, Volume
from platform_assets.domain.drift.day import DriftOfDay
from platform_assets.domain.drift.distribution import Distribution, Sample
from platform_assets.domain.drift.report import drift_report
from platform_assets.domain.drift.report_pictures import histogram, rows_a_day
from platform_assets.domain.model_policies import DriftPolicy
from platform_assets_tests.model_worlds import small_spec

DAY = date(2026, 3, 1)
COLUMNS = [f"column_{number:02d}" for number in range(39)] + ["<script>alert(1)</script>"]


def sample(seed: int, days: int = 1, moved: str = "") -> Sample:
    random = np.random.default_rng(seed)
    rows = {name: random.normal(3.0 if name == moved else 0.0, 1.0, 500 * days) for name in COLUMNS}
    return Sample.of(pa.table(rows), [DAY - timedelta(days=7 * number) for number in range(days)][::-1], 500)


def day_with(moved: str) -> DriftOfDay:
    today = sample(1, moved=moved)
    return DriftOfDay(
        day=DAY,
        model_version=3,
        version="main.platform.conversion version 3, trained as of 2026-02-20",
        pairs=[Pair(TRAINING, FEATURE, today, sample(2, days=3)), Pair(LAST_WEEK, FEATURE, today, sample(3))],
        volumes=[Volume(TRAINING, "user_features", DAY, 500, (500, 498))],
        absent=["labels against training: labels of 2026-02-21 wait for landing day 2026-03-01"],
        rows_by_day={DAY - timedelta(days=number): 500 + number for number in range(28)},
        policy=DriftPolicy(),
    )


class Tags(HTMLParser):
    """Remembers the tags that are open, and refuses one that closes another."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "rect", "path", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path", "line"):
            assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing() -> None:
    page = drift_report(day_with("column_07"), small_spec())
    tags = Tags()
    tags.feed(page)
    assert tags.open == [] and tags.seen.isdisjoint({"script", "img", "link", "iframe"})
    assert not re.search(r"https?://|url\(|@import", page)
    assert len(page) < 150_000


def test_the_verdict_stands_first_and_the_drifted_column_above_all_others() -> None:
    page = drift_report(day_with("column_07"), small_spec())
    text = re.sub(r"<[^>]+>", "\n", page.split("</style>")[1])
    assert "Drifted: 1 of 41 against the training: column_07; 1 of 40 against last week: column_07." in text
    features = text.split("\nFeatures\n")[1]
    order = [features.index(f"\n{name}\n") for name in COLUMNS[:-1]]
    assert min(order) == order[7]
    for told in ("conversion version 3", "2026-02-15 to 2026-03-01", "wait for landing day 2026-03-01"):
        assert told in text


def test_a_quiet_day_says_so() -> None:
    page = drift_report(day_with(""), small_spec())
    assert "Nothing has drifted: 0 of 41 against the training; 0 of 40 against last week." in page
    assert "What has drifted" not in page


def test_names_are_text_and_no_markup() -> None:
    page = drift_report(day_with("<script>alert(1)</script>"), small_spec())
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_same_day_gives_the_same_bytes() -> None:
    assert drift_report(day_with("column_07"), small_spec()) == drift_report(day_with("column_07"), small_spec())


VALUES = st.lists(
    st.one_of(st.integers(-5, 60).map(float), st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf])),
    max_size=70,
)


@settings(deadline=None)
@given(today=VALUES, before=VALUES)
def test_any_values_give_a_picture_that_stays_within_its_frame(today: list[float], before: list[float]) -> None:
    drawn = histogram(Distribution.of(today), Distribution.of(before))
    if not drawn:
        assert np.isnan([*today, *before]).all()
        return
    picture = ElementTree.fromstring(drawn)
    for bar in picture.iter("rect"):
        x, y, width, height = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + width <= 181 and y + height <= 40


@pytest.mark.parametrize("rows", [{}, {DAY: 0}, {DAY - timedelta(days=9): 5, DAY: 3}])
def test_rows_a_day_are_drawn_with_gaps_where_nothing_is(rows: dict[date, int]) -> None:
    assert rows_a_day(rows, DAY).count("<rect") == len(rows)
