"""Sequences are what a plain walk through the events gives."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.embeddings.sequences import sequences, visits, vocabulary
from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.errors import ConfigurationError
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2026, 3, 1)
SCHEMA = EVENTS.schema()
SPEC = EmbeddingSpec(
    name="test",
    description="A test's embedding.",
    owner="team:test",
    token="domain",
    sequence="session_id",
    words="path",
    window_days=2,
    fewest_sequences=2,
    widest_word_share=0.6,
    most_tokens=3,
)

event = st.fixed_dictionaries(
    {
        "minute": st.integers(-60 * 24, 60 * 24 * 3 + 60),
        "session_id": st.sampled_from(["s1", "s2", "s3", "s4", None]),
        "domain": st.sampled_from(["a.example", "b.example", "c.example", "d.example", None]),
        "path": st.sampled_from([None, "", "/sport/", "/Sport/Tennis-1", "/börse/ab/sport", "/tennis?"]),
        "is_bot": st.sampled_from([False, False, False, True]),
    }
)
worlds = st.lists(event, max_size=40)


def rows_of(world: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events that begin three days before DAY."""
    begin = datetime.combine(DAY, datetime.min.time()) - timedelta(days=3)
    rows = []
    for number, each in enumerate(world):
        at = begin + timedelta(minutes=each["minute"] // 30 * 30)
        rows.append({**each, "event_id": f"e{number:03d}", "event_time": at, "event_date": at.date()})
    return rows


def table(rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=SCHEMA.to_pyarrow()))


def found(engine: DuckDBEngine, rows: list[dict[str, Any]], spec: EmbeddingSpec) -> tuple[dict, dict]:
    """Vocabulary and sequences as Ibis gives them."""
    visited = visits(table(rows), spec, DAY)
    known = engine.backend.to_pyarrow(vocabulary(visited, spec)).to_pylist()
    told = engine.backend.to_pyarrow(sequences(visited, spec)).to_pylist()
    assert [row["sequence"] for row in told] == sorted(row["sequence"] for row in told)
    return {row["token"]: row["sequences"] for row in known}, {row["sequence"]: row["tokens"] for row in told}


def words_in(path: str | None, spec: EmbeddingSpec) -> set[str]:
    letters = "".join(each if each.isalpha() else " " for each in (path or "").lower())
    return {word for word in letters.split() if len(word) >= spec.shortest_word}


def expected(rows: list[dict[str, Any]], spec: EmbeddingSpec) -> tuple[dict, dict]:
    """The same by walking."""
    seen = sorted(
        (
            row
            for row in rows
            if not row["is_bot"]
            and row["domain"]
            and row["session_id"]
            and DAY - timedelta(days=spec.window_days) <= row["event_date"] < DAY
        ),
        key=lambda row: (row["event_time"], row["event_id"]),
    )
    holding = defaultdict(set)
    for row in seen:
        holding[row["domain"]].add(row["session_id"])
    frequent = [(-len(held), token) for token, held in holding.items() if len(held) >= spec.fewest_sequences]
    known = {token: -count for count, token in sorted(frequent)[: spec.most_tokens]}
    seen = [row for row in seen if row["domain"] in known]
    domains, sessions = defaultdict(set), defaultdict(set)
    for row in seen:
        for word in words_in(row["path"], spec) if spec.words else ():
            domains[word].add(row["domain"])
            sessions[word].add(row["session_id"])
    telling = {
        word
        for word, held in domains.items()
        if 2 <= len(held) <= len(known) * spec.widest_word_share and len(sessions[word]) >= spec.fewest_sequences
    }
    told: dict[str, list[str]] = defaultdict(list)
    last: dict[str, str] = {}
    said = set()
    for row in seen:
        session, domain = row["session_id"], row["domain"]
        if last.get(session) != domain:
            told[session].append(f" {domain}")
        last[session] = domain
        for word in sorted(words_in(row["path"], spec) & telling) if spec.words else ():
            if (session, domain, word) not in said:
                told[session].append(f"/{word}")
                said.add((session, domain, word))
    return known, {session: tokens for session, tokens in told.items() if len(tokens) > 1}


@settings(max_examples=60, deadline=None)
@given(world=worlds, with_words=st.booleans())
def test_vocabulary_and_sequences_are_what_a_plain_walk_gives(
    world: list[dict], with_words: bool, one_engine: DuckDBEngine
) -> None:
    from dataclasses import replace

    spec = SPEC if with_words else replace(SPEC, words=None)
    rows = rows_of(world)
    assert found(one_engine, rows, spec) == expected(rows, spec)


@settings(max_examples=10, deadline=None)
@given(world=worlds, order=st.randoms(use_true_random=False))
def test_the_order_in_which_events_come_changes_nothing(
    world: list[dict], order: Any, one_engine: DuckDBEngine
) -> None:
    rows = rows_of(world)
    shuffled = list(rows)
    order.shuffle(shuffled)
    assert found(one_engine, shuffled, SPEC) == found(one_engine, rows, SPEC)


@pytest.mark.parametrize(
    "wrong", [{"dimensions": 0}, {"most_clusters": 1}, {"widest_word_share": 0.0}, {"fewest_sequences": 0}]
)
def test_a_spec_that_makes_no_embedding_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="embedding 'x'"):
        EmbeddingSpec(name="x", description="x", owner="x", token="domain", sequence="session_id", **wrong)
