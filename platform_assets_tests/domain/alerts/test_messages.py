"""The words of a message, in every form, for whatever happened."""

import json
import string
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.alerts.document import alert_document
from platform_assets.domain.alerts.message import Message, html, plain_text, subject
from platform_assets.domain.alerts.slack import slack_document
from platform_assets_tests.domain.alerts.made_up import NOON, MemoryLog, message, signal


def test_the_subject_says_how_grave_what_where_and_which_partition() -> None:
    assert subject(message()) == "[error] events (2026-03-01): quarantine_share: 12 % of the rows were quarantined"


def test_a_digest_names_its_subjects_and_tells_each() -> None:
    alerts = MemoryLog().look(NOON, signal(), signal(asset="users", severity="warning"))
    digest = Message(tuple(alerts), "operators")
    assert subject(digest) == "[error] 2 alerts: events, users"
    assert "[warning] users" in plain_text(digest)


def test_the_text_tells_owner_next_step_and_link() -> None:
    text = plain_text(message())
    for told in ("team:data-platform", "docs/runbooks/quarantine-grew.md", "http://127.0.0.1:3000/assets/events"):
        assert told in text


def test_the_same_alerts_have_the_same_id_and_other_ones_another() -> None:
    assert message().message_id == message().message_id
    assert message().message_id != message(signal(asset="users")).message_id
    assert message().message_id != message(recipient="others").message_id


def test_the_document_has_this_form() -> None:
    document = alert_document(message())
    assert (document["schema"], document["version"]) == ("platform.alerts", 1)
    (alert,) = document["alerts"]
    assert {key: type(value).__name__ for key, value in alert.items()} == {
        "alert_id": "str",
        "state": "str",
        "severity": "str",
        "kind": "str",
        "subject": "str",
        "owner": "str",
        "partitions": "list",
        "what": "str",
        "items": "list",
        "item_count": "int",
        "next_step": "str",
        "link": "str",
        "raised_at": "str",
    }
    assert alert["raised_at"] == "2026-03-02T12:00:00Z"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


OURS = {"html", "body", "div", "table", "tr", "td", "ul", "li", "a"}
TEXT = st.text(st.sampled_from(string.printable + "<>&é\u2028\x00"), max_size=900)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_happened_every_form_stays_within_its_limits(texts: list[tuple[str, str]], apart: bool) -> None:
    signals = [
        signal(check=f"check_{number}", what=what, partition=partition, subject=f"a{number}" if apart else "events")
        for number, (what, partition) in enumerate(texts)
    ]
    made = message(*signals)
    line = subject(made)
    assert len(line) <= 150
    assert line.isprintable()
    document = slack_document(made)
    assert len(document["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3_000 for block in document["blocks"])
    assert len(document["blocks"][0]["text"]["text"]) <= 150
    assert "<script" not in json.dumps(document)
    parser = Tags()
    parser.feed(html(made))
    assert parser.tags - {"!doctype"} <= OURS
    assert "\x00" not in plain_text(made)


def test_a_slack_section_gives_up_items_before_the_next_step() -> None:
    made = message(*(signal(check=f"check_{number}", what="&" * 500) for number in range(30)))
    (_, section) = slack_document(made)["blocks"]
    assert "docs/runbooks/quarantine-grew.md" in section["text"]["text"]
    assert "<http://127.0.0.1:3000/assets/events>" in section["text"]["text"]
