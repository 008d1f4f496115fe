"""What is visited together ends in one cluster, the same on every run, under names and numbers that keep."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.embeddings.cluster_days import LABEL_MEMORY_DAYS, LabelHistory, cluster_day
from platform_assets.domain.embeddings.clustering import Clustering, cluster_embedding, knee
from platform_assets.domain.embeddings.names import cluster_names
from platform_assets.domain.embeddings.picture import embedding_map
from platform_assets.domain.embeddings.stable_labels import stable_labels
from platform_assets.domain.embeddings.training import (
    Embedding,
    TooLittleToLearn,
    TrainedEmbedding,
    train_embedding,
)
from platform_assets_tests.domain.embeddings.embedding_worlds import DAY, SPEC, TOPICS, browsing, topic_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def trained() -> TrainedEmbedding:
    return train_embedding(browsing(), SPEC, DAY)


@pytest.fixture(scope="module")
def with_portals() -> TrainedEmbedding:
    return train_embedding(browsing(portals=2), SPEC, DAY)


def topics_by_cluster(trained: TrainedEmbedding, clustering: Clustering) -> list[set[str]]:
    tokens = trained.embedding.tokens
    return [set(map(topic_of, tokens[clustering.cluster == number])) for number in range(clustering.clusters)]


def test_planted_topics_are_found_and_counted(trained: TrainedEmbedding) -> None:
    found = topics_by_cluster(trained, cluster_embedding(trained.embedding, SPEC))
    assert sorted(found, key=min) == [{topic} for topic in TOPICS]


def test_sites_that_everybody_visits_do_not_mix_the_topics(with_portals: TrainedEmbedding) -> None:
    found = topics_by_cluster(with_portals, cluster_embedding(with_portals.embedding, SPEC))
    assert [sorted(topics - {"portal"}) for topics in sorted(found, key=min) if topics != {"portal"}] == [
        [topic] for topic in TOPICS
    ]


def test_another_process_with_other_hashes_learns_the_same_vectors(trained: TrainedEmbedding) -> None:
    code = (
        "from platform_assets.domain.embeddings.training import train_embedding\n"
        "from platform_assets_tests.domain.embeddings.embedding_worlds import DAY, SPEC, browsing\n"
        "print(train_embedding(browsing(), SPEC, DAY).digest)"
    )
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.stdout.strip() == trained.digest, ran.stderr


def test_vectors_have_length_one_and_sequences_are_counted(trained: TrainedEmbedding) -> None:
    np.testing.assert_allclose(np.linalg.norm(trained.embedding.vectors, axis=1), 1, rtol=1e-5)
    assert trained.embedding.tokens.tolist() == sorted(trained.embedding.tokens.tolist())
    assert trained.trained_until == DAY - timedelta(days=1)
    assert trained.embedding.sequences.sum() >= trained.sequences


def test_nothing_of_the_day_itself_and_nothing_older_than_the_window_is_learnt() -> None:
    events = browsing(sessions=200)
    for day in (DAY - timedelta(days=SPEC.window_days), DAY + timedelta(days=SPEC.window_days)):
        with pytest.raises(TooLittleToLearn, match="0 values of domain"):
            train_embedding(events, SPEC, day)


def test_the_knee_is_where_a_curve_stops_to_rise() -> None:
    assert knee([2, 3, 4, 5, 6, 7], [0.2, 0.4, 0.6, 0.8, 0.81, 0.82]) == 5
    assert knee([2, 3], [0.1, 0.9]) is None
    assert knee([2, 3, 4], [0.5, 0.5, 0.5]) is None
    assert knee([2, 3, 4], [0.7, 0.6, 0.5]) is None


def test_a_continuum_is_cut_into_the_root_of_half_its_tokens_and_says_so(trained: TrainedEmbedding) -> None:
    vectors = np.stack([np.linspace(-1, 1, 200), np.ones(200)], axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = np.array([f"{number:03d}" for number in range(200)])
    found = cluster_embedding(Embedding(tokens, np.full(200, 9), vectors.astype(np.float32)), SPEC)
    assert (found.clusters, found.stand_apart) == (10, False)
    assert cluster_embedding(trained.embedding, SPEC).stand_apart


def embedding_of(tokens: list[str]) -> Embedding:
    order = np.arange(len(tokens))
    return Embedding(np.array(tokens), np.full(len(tokens), 10) + order, np.eye(max(len(tokens), 1), dtype=np.float32))


partitions = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 4), min_size=1)


def renumbered(partition: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Tokens in order, with their cluster numbered from 0 without gaps."""
    tokens = sorted(partition)
    return np.array(tokens), np.unique([partition[token] for token in tokens], return_inverse=True)[1]


@settings(max_examples=150, deadline=None)
@given(now=partitions, before=partitions.map(lambda found: {token: 1 + number for token, number in found.items()}))
def test_labels_are_one_to_one_and_go_on_where_clusters_do(now: dict[str, int], before: dict[str, int]) -> None:
    tokens, clusters = renumbered(now)
    found = stable_labels(tokens, clusters, before, highest=9)
    of_cluster = {}
    for cluster, label in zip(clusters.tolist(), found.labels.tolist(), strict=True):
        assert of_cluster.setdefault(cluster, label) == label
    assert len(set(of_cluster.values())) == len(of_cluster)
    new = sorted(set(of_cluster.values()) - set(before.values()))
    assert new == list(range(10, 10 + len(new)))
    for cluster, label in of_cluster.items():
        members = set(tokens[clusters == cluster])
        old = {token for token, other in before.items() if other == label}
        assert label > 9 or 2 * len(members & old) >= min(len(members), len(old)) > 0
    kinds = {change.label: change.kind for change in found.changes}
    assert set(kinds) == set(of_cluster.values()) | set(before.values())


@settings(max_examples=50, deadline=None)
@given(now=partitions)
def test_the_same_clusters_in_another_order_keep_all_labels(now: dict[str, int]) -> None:
    tokens, clusters = renumbered(now)
    before = {token: 3 + 2 * int(cluster) for token, cluster in zip(tokens.tolist(), clusters, strict=True)}
    turned = clusters.max() - clusters
    found = stable_labels(tokens, turned, before)
    assert dict(zip(tokens.tolist(), found.labels.tolist(), strict=True)) == before
    assert {change.kind for change in found.changes} == {"kept"}


def test_splits_and_merges_are_told() -> None:
    before = dict.fromkeys("abcdef", 1) | dict.fromkeys("gh", 2) | dict.fromkeys("ij", 3)
    split = stable_labels(np.array(list("abcdefghij")), np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3]), before)
    assert split.labels.tolist() == [1, 1, 1, 1, 4, 4, 2, 2, 3, 3]
    assert {(c.label, c.kind, c.other) for c in split.changes if c.kind != "kept"} == {(4, "split", 1)}
    merged = stable_labels(np.array(list("abcdefghxy")), np.array([0] * 8 + [1] * 2), before)
    assert merged.labels.tolist() == [1] * 8 + [4] * 2
    told = {(change.label, change.kind, change.other) for change in merged.changes if change.kind != "kept"}
    assert told == {(2, "merged", 1), (3, "gone", None), (4, "new", None)}


def test_numbers_in_memory_are_not_given_again_and_older_ones_are_forgotten() -> None:
    week = timedelta(days=7)
    history = LabelHistory({DAY - 2 * week: {"a": 5}, DAY - week: {"a": 1, "b": 2}})
    assert history.before(DAY) == ({"a": 1, "b": 2}, 5)
    assert history.before(DAY - week) == ({"a": 5}, 5)
    assert history.before(DAY + timedelta(days=LABEL_MEMORY_DAYS)) == ({}, 0)


def test_labels_keep_their_topics_from_week_to_week() -> None:
    history, labels = LabelHistory(), []
    for number in range(3):
        embedding = train_embedding(browsing(seed=number), replace(SPEC, seed=number), DAY).embedding
        day = cluster_day(DAY + timedelta(days=7 * number), embedding, SPEC, history, {})
        found = zip(map(topic_of, embedding.tokens.tolist()), day.labelling.labels.tolist(), strict=True)
        labels.append(dict(found))
    assert labels[0] == labels[1] == labels[2]
    assert day.figures["clusters_kept"] == len(TOPICS)


def test_a_cluster_is_named_by_the_category_that_dominates_it() -> None:
    embedding = embedding_of(["a", "b", "c", "d", "e", "f"])
    labels, similarity = np.array([1, 1, 1, 2, 2, 3]), np.array([0.9, 0.8, 0.1, 0.7, 0.9, 1.0])
    named = cluster_names(embedding, labels, similarity, {"a": "art", "b": "art", "c": "cars", "d": "art"})
    assert named == {1: "art (b)", 2: "art (e)", 3: "f"}


def test_a_cluster_that_no_category_dominates_is_named_by_its_central_tokens() -> None:
    embedding = Embedding(np.array(["a", "b", "c", "d"]), np.array([5, 9, 100, 5]), np.eye(4, dtype=np.float32))
    similarity = np.array([0.9, 0.8, 0.1, 0.2])
    assert cluster_names(embedding, np.ones(4, dtype=np.int64), similarity, {"a": "x", "d": "y"}) == {1: "b, a"}


def test_the_map_is_the_same_picture_each_time(with_portals: TrainedEmbedding) -> None:
    day = cluster_day(DAY, with_portals.embedding, SPEC, LabelHistory(), {})
    first, second = (embedding_map(day, "domains", seed=1) for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")
