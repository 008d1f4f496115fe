"""Access logs: the combined format's fields, and lines that are none."""

from dataclasses import replace

import pytest

from platform_assets.domain.source import ACCESS_LOG_TIME_FORMAT
from platform_assets.domain.sources import FieldMapping, Format
from platform_assets_tests.raw_events.landing import EVENTS, Landing

LOG = replace(
    EVENTS,
    format=Format.ACCESS_LOG,
    time_format=ACCESS_LOG_TIME_FORMAT,
    fields={"event_time": FieldMapping(("time",)), "ip": FieldMapping(("ip",))},
)
TIME = "[05/Jan/2026:10:00:00 +0200]"


def line(request: str = "GET /a?b=c HTTP/1.1", time: str = TIME, referrer: str = "-", user_agent: str = "Agent") -> str:
    return f'192.0.2.1 - ann {time} "{request}" 200 17 "{referrer}" "{user_agent}"'


def test_every_field_of_the_format_is_kept(landing: Landing) -> None:
    landing.file(line())
    (row,) = landing.parse(LOG)
    fields = ("ip", "ident", "user", "time", "request", "method", "path", "status", "bytes", "referrer", "user_agent")
    assert tuple(row[name] for name in fields) == (
        *("192.0.2.1", None, "ann", TIME[1:-1], "GET /a?b=c HTTP/1.1", "GET", "/a?b=c", "200", "17", None, "Agent"),
    )
    assert (f"{row['event_time']}", row["reject_reason"]) == ("2026-01-05 08:00:00", None)


def test_escaped_quotes_stay_inside_their_field(landing: Landing) -> None:
    landing.file(line(user_agent=r"a \"b\" \\"))
    assert landing.parse(LOG)[0]["user_agent"] == r"a \"b\" \\"


@pytest.mark.parametrize("request_line", [r"\x16\x03\x01", "-", "", "GET /a b HTTP/1.1"])
def test_a_request_that_is_none_has_no_path_but_stays_an_event(landing: Landing, request_line: str) -> None:
    landing.file(line(request_line))
    (row,) = landing.parse(LOG)
    assert (row["method"], row["path"], row["reject_reason"]) == (None, None, None)


@pytest.mark.parametrize("bad", ["garbage", line()[:-1], line() + " more", line().replace("200", "OK"), "\t"])
def test_a_line_that_is_no_log_line_keeps_its_text(landing: Landing, bad: str) -> None:
    landing.file(f"{line()}\n{bad}\n{line()}\n")
    rows = landing.parse(LOG)
    assert [row["reject_reason"] for row in rows] == [None, "malformed_log_line", None]
    assert rows[1]["record"] == bad


def test_a_time_that_is_none_is_refused(landing: Landing) -> None:
    landing.file(line(time="[32/Jan/2026:10:00:00 +0200]"))
    assert landing.reasons(LOG) == ["time_unreadable: time"]
