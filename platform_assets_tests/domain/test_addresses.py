"""Domain, path and campaign of an address, read as Python reads them; what user agents say."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets_tests.domain.raw_worlds import made, made_of_one, numbered, row
from resources.compute.duckdb_engine import DuckDBEngine

WORDS = st.text("abcxyzABC019-_", min_size=1, max_size=6)


@st.composite
def ordinary_urls(draw: st.DrawFn) -> str:
    host = ".".join(draw(st.lists(WORDS, min_size=2, max_size=3)))
    scheme, prefix = draw(st.sampled_from(["https://", "http://", "//"])), draw(st.sampled_from(["", "www.", "WWW."]))
    port = draw(st.sampled_from(["", ":8080"]))
    path = draw(st.sampled_from(["", "/"])) or "".join(f"/{word}" for word in draw(st.lists(WORDS, max_size=3)))
    names = st.sampled_from(["utm_source", "utm_medium", "utm_campaign", "xutm_source", "q", "next"])
    values = st.text("ab ü&=+/%?:#@é", max_size=5).filter(lambda text: "@" not in text)
    query = "&".join(f"{name}={quote(value)}" for name, value in draw(st.lists(st.tuples(names, values), max_size=4)))
    fragment = draw(st.sampled_from(["", "#top", "#?utm_source=no"]))
    return f"{scheme}{prefix}{host}{port}{path}{'?' if query else ''}{query}{fragment}"


@settings(max_examples=30, deadline=None)
@given(urls=st.lists(ordinary_urls(), min_size=10, max_size=40))
def test_ordinary_addresses_are_read_as_python_reads_them(urls: list[str], one_engine: DuckDBEngine) -> None:
    for url, event in zip(urls, made(one_engine, numbered(row(url=url, referrer=url) for url in urls)), strict=True):
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
        assert (event["url"], event["domain"], event["referrer_domain"]) == (url, host, host)
        assert event["path"] == (parts.path or "/")
        query = parse_qs(parts.query, keep_blank_values=True)
        for name in ("utm_source", "utm_medium", "utm_campaign"):
            assert event[name] == (query.get(name, [""])[0] or None), name


@pytest.mark.parametrize(
    ("url", "domain", "path"),
    [
        ("/login?next=http://other.example/", None, "/login"),
        ("/web/2015/http://other.example/page", None, "/web/2015/http://other.example/page"),
        ("https://example.org?a=1", "example.org", "/"),
        ("https://example.org#top", "example.org", "/"),
        ("https://a@b@example.org/x", "example.org", "/x"),
        ("about:blank", None, "about:blank"),
        ("android-app://com.example.app", "com.example.app", "/"),
        ("-", None, "-"),
    ],
)
def test_addresses_out_of_the_ordinary(url: str, domain: str | None, path: str, one_engine: DuckDBEngine) -> None:
    event = made_of_one(one_engine, url=url, referrer=url)
    assert (event["domain"], event["referrer_domain"], event["path"]) == (domain, domain, path)


@pytest.mark.parametrize("value", ["%ff", "caf%E9", "%E4%BD", "%", "%zz", "a%2"])
def test_a_campaign_that_cant_be_decoded_stays_as_it_came(value: str, one_engine: DuckDBEngine) -> None:
    assert made_of_one(one_engine, url=f"https://example.org/?utm_source={value}")["utm_source"] == value


def test_an_event_without_an_address_has_no_parts_of_one(one_engine: DuckDBEngine) -> None:
    event = made_of_one(one_engine, url="")
    names = ("url", "domain", "path", "referrer_domain", "utm_source", "utm_medium", "utm_campaign")
    assert [event[name] for name in names] == [None] * 7


@pytest.mark.parametrize(
    ("user_agent", "is_bot", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", False, "desktop"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148", False, "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) Version/16.0 Mobile/15E148 Safari/604.1", False, "tablet"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120.0 Mobile Safari/537.36", False, "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X700) Chrome/120.0 Safari/537.36", False, "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True, "desktop"),
        ("curl/8.4.0", True, "desktop"),
        ("python-requests/2.31", True, "desktop"),
        ("-", False, None),
        ("", False, None),
        (None, False, None),
    ],
)
def test_a_user_agent_tells_program_or_person_and_kind_of_device(
    user_agent: str | None, is_bot: bool, device: str | None, one_engine: DuckDBEngine
) -> None:
    event = made_of_one(one_engine, user_agent=user_agent)
    assert (event["is_bot"], event["device"]) == (is_bot, device)


@pytest.mark.parametrize("user_agent", ["Mozilla/5.0 (X11; CUBOT_NOTE_S) Chrome/90 Mobile", "Parsersson/1.0"])
def test_a_name_that_only_sounds_like_a_program_is_no_bot(user_agent: str, one_engine: DuckDBEngine) -> None:
    assert not made_of_one(one_engine, user_agent=user_agent)["is_bot"]
