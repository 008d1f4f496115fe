"""Real visits: the members that rules find are those that plain Python finds in the same addresses."""

from collections import Counter
from datetime import date
from pathlib import Path

import ibis
import pytest

from platform_assets.domain import urls
from platform_assets.domain.contracts.events import EVENTS
from platform_assets_tests.domain.audience_oracle import Declaration, members
from platform_assets_tests.domain.audiences.test_url_audiences import declared, found
from resources.compute.duckdb_engine import DuckDBEngine

PANEL = [
    {"name": "searchers", "at_least": 20, "any_of": [{"domain": "google.com", "path": ["/", "/*"]}]},
    {"name": "all_of_google", "on_days": 3, "any_of": [{"domain": "*.google.com"}]},
    {"name": "big_sites", "any_of": [{"domain": ["*.youtube.com", "*.live.com", "amazon.com", "twitter.com"]}]},
    {"name": "home_pages", "at_least": 5, "any_of": [{"path": "/"}]},
    {"name": "short_paths", "any_of": [{"path_regex": r"^/[a-z]{1,10}$"}], "none_of": [{"domain": "criterion.com"}]},
    {"name": "vowels", "any_of": [{"path": "/a*e"}, {"path": "*oo*"}, {"path_regex": "[aeiou]{4}"}]},
    {"name": "panel_sites", "any_of": [{"path_regex": "^/[^/]+$", "domain": ["*.swagbucks.com", "samplicio.us"]}]},
    {"name": "nobody", "any_of": [{"domain": "no-such-site.example"}]},
]
SERVER = [
    {"name": "feed_readers", "at_least": 3, "any_of": [{"query": {"flav": "rss*"}}, {"query": {"flav": "atom"}}]},
    {
        "name": "slides",
        "any_of": [{"path": "/presentations/*.html"}, {"path": "*/images/*", "referrer": "*.google.com"}],
    },
    {"name": "blog", "within_days": 2, "any_of": [{"path": "/blog/*"}], "none_of": [{"path": "/robots.txt"}]},
    {"name": "tags", "any_of": [{"path_regex": r"^/blog/tags/[a-z0-9-]+$"}, {"path_regex": "/geekery/.+[.]html$"}]},
    {"name": "from_search", "any_of": [{"referrer": ["google.com", "*.google.co.uk", "bing.com"]}]},
    {"name": "pictures", "at_least": 4, "any_of": [{"path_regex": r"\.(?:png|jpe?g|gif)$"}]},
    {"name": "one_host", "any_of": [{"domain": "semicomplete.com", "path": "/", "event_type": "page_view"}]},
]
IN_LOG = r'^(\S+) .*\[(\d+)/May/2015:([0-9:]+) .*?"[A-Z]+ (\S+)[^"]*" \d+ \S+ "([^"]*)" "([^"]*)"'


def panel(engine: DuckDBEngine, folder: Path) -> ibis.Table:
    raw = engine.backend.read_parquet(str(folder / "webtrackr_visits" / "visits.parquet"))
    time = raw.timestamp.cast("timestamp")
    seen = raw.select(
        event_time=time, cookie_id=raw.panelist_id + "|" + raw.device, url=raw.url, referrer=ibis.null(str)
    )
    return seen.filter(seen.event_time >= "2019-06-20", seen.event_time < "2019-07-18")


def server(engine: DuckDBEngine, folder: Path) -> ibis.Table:
    text = engine.backend.read_csv(
        str(folder / "apache_combined_log" / "access.log.gz"), columns={"line": "VARCHAR"}, delim="\x01", quote=""
    )
    part = [text.line.re_extract(IN_LOG, number) for number in range(7)]
    time = ("2015-05-" + part[2] + " " + part[3]).try_cast("timestamp")
    return text.select(
        event_time=time,
        cookie_id=part[1] + "|" + part[6],
        url="http://www.semicomplete.com" + part[4],
        referrer=part[5].nullif("-"),
    ).filter(lambda seen: seen.event_time.notnull())


@pytest.mark.parametrize(
    ("read", "audiences", "days", "visits"),
    [
        pytest.param(panel, PANEL, (date(2019, 7, 16), date(2019, 7, 17)), 9_500, id="webtrackr"),
        pytest.param(server, SERVER, (date(2015, 5, 20), date(2015, 5, 20)), 9_900, id="apache"),
    ],
)
def test_members_among_real_visits_are_those_that_plain_python_finds(
    read, audiences: list[Declaration], days: tuple[date, date], visits: int, shared_data: Path, tmp_path: Path
) -> None:
    engine = DuckDBEngine(spill_folder=tmp_path / "spill")
    seen = read(engine, shared_data)
    told = {
        "event_id": ibis.row_number().over(order_by=[seen.event_time, seen.url, seen.cookie_id]).cast(str),
        "event_time": seen.event_time,
        "event_date": seen.event_time.date(),
        "source": ibis.literal("real"),
        "event_type": ibis.literal("page_view"),
        "cookie_id": seen.cookie_id,
        "url": seen.url,
        "domain": urls.domain(seen.url),
        "path": urls.path(seen.url),
        "referrer_domain": urls.domain(seen.referrer),
        "is_bot": ibis.literal(False),
    }
    events = seen.select(**{name: told.get(name, ibis.null(dtype)) for name, dtype in EVENTS.schema().items()})
    rows = engine.backend.to_pyarrow(events).to_pylist()
    history = {(row["cookie_id"], date(2015, 1, 1)): row["cookie_id"].split("|")[0] for row in rows}
    expected = members(rows, history, audiences, *days)
    by_audience = Counter(row["audience"] for row in expected)
    assert len(rows) > visits
    assert {each["name"] for each in audiences} - set(by_audience) <= {"nobody"}
    assert found(engine, rows, history, declared(audiences, tmp_path), *days) == expected
