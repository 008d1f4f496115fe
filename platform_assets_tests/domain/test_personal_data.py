"""Identifiers leave the raw tables as keyed pseudonyms only, and no address tells an e-mail address."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.contract import Pii
from platform_assets.domain.contracts.events import EVENTS
from platform_assets_tests.conftest import DEMO_KEY
from platform_assets_tests.domain.raw_worlds import RawRow, made, made_of_one, numbered, row
from resources.compute.duckdb_engine import DuckDBEngine

PSEUDONYMS = {"login": "login_hash", "cookie_id": "cookie_id", "device_id": "device_id", "ip": "ip_hash"}
KINDS = {"login": "login", "cookie_id": "cookie", "device_id": "device", "ip": "ip"}


def keyed(kind: str, text: str) -> str:
    return hmac.new(DEMO_KEY, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()[:32]


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80), min_size=20))
def test_a_pseudonym_is_what_pythons_hmac_gives(texts: list[str], one_engine: DuckDBEngine) -> None:
    found = made(one_engine, numbered(row(cookie_id=text) for text in texts))
    trimmed = [text.strip(" \t\n\r\v\f") for text in texts]
    assert [event["cookie_id"] for event in found] == [keyed("cookie", text) if text else None for text in trimmed]


def test_equal_texts_of_different_kinds_have_different_pseudonyms(one_engine: DuckDBEngine) -> None:
    event = made_of_one(one_engine, **dict.fromkeys(PSEUDONYMS, "same"))
    assert {event[column] for column in PSEUDONYMS.values()} == {keyed(kind, "same") for kind in KINDS.values()}


@pytest.mark.parametrize("login", ["ann@example.org", "  Ann@Example.ORG ", "ANN@EXAMPLE.ORG\t"])
def test_a_login_is_the_same_in_capitals_and_with_blanks_around(login: str, one_engine: DuckDBEngine) -> None:
    assert made_of_one(one_engine, login=login)["login_hash"] == keyed("login", "ann@example.org")


def test_capitals_of_a_cookie_count(one_engine: DuckDBEngine) -> None:
    found = made(one_engine, numbered([row(cookie_id="a"), row(cookie_id="A")]))
    assert len({event["cookie_id"] for event in found}) == 2


def test_joined_fields_make_one_pseudonym(one_engine: DuckDBEngine) -> None:
    (event,) = made(one_engine, [RawRow({"ip": "192.0.2.7", "agent": "curl/8"}, source="shop")])
    assert event["cookie_id"] == keyed("cookie", "192.0.2.7|curl/8")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/users/{}/orders",
        "https://example.org/a;owner={};x",
        "https://example.org/?mail={}&a=1",
        "https://example.org/?utm_source={}&utm_medium={}&utm_campaign=x{}x",
        "https://example.org/#{}",
        "https://{}:secret@example.org/",
        "https://example.org/?next=https%3A%2F%2Fexample.org%2F%3Fmail%3D{}",
        "mailto:{}",
        "/relative/{}",
        "{}",
    ],
)
@pytest.mark.parametrize("sign", ["@", "%40", "%2540", "%252540"])
def test_no_part_of_an_event_tells_a_mail_address_that_stands_in_an_address(
    url: str, sign: str, one_engine: DuckDBEngine
) -> None:
    address = f"Ann.Example+shop{sign}mail.example.com"
    event = made_of_one(one_engine, url=url.replace("{}", address), referrer=url.replace("{}", address))
    told = " ".join(value for value in event.values() if isinstance(value, str)).lower()
    assert "ann.example" not in told
    assert "mail.example.com" not in told


def test_user_and_password_before_a_host_are_not_told(one_engine: DuckDBEngine) -> None:
    event = made_of_one(one_engine, url="https://ann:secret@www.example.org:8080/x", referrer="https://ann@example.org")
    assert (event["url"], event["domain"], event["path"]) == ("https://[redacted]/x", "example.org", "/x")
    assert event["referrer_domain"] == "example.org"


def test_raw_identifiers_stand_nowhere_in_an_event(one_engine: DuckDBEngine) -> None:
    identifiers = {name: f"raw-{name}-7" for name in [*PSEUDONYMS, "user_agent"]}
    event = made_of_one(one_engine, **identifiers, url="https://example.org/", item="shoe", value="1")
    assert not [text for text in map(str, event.values()) if "raw-" in text]


def test_every_pseudonym_is_classified_as_one_and_no_column_as_raw() -> None:
    classes = {column.name: column.pii for column in EVENTS.columns}
    assert {name for name, pii in classes.items() if pii is Pii.PSEUDONYM} == {
        *PSEUDONYMS.values(),
        "session_id",
    }
    assert Pii.RAW not in classes.values()
