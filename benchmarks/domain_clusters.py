"""Clusters of domains: how much of the planted topics they find, what they say of real data, and what they cost.

python -m benchmarks.domain_clusters <leg> <folder> [<days>]

runs one leg in a process of its own: `events` makes the events of a landing zone, `platform` embeds them as the asset
does, `plain` calls gensim on the sentences that the platform had made before.
"""

import json
import shutil
import sys
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.fresh_process import run
from benchmarks.real_sequences import retail_items, webtrackr_visits
from benchmarks.report import Section
from benchmarks.simulator import FIRST_DAY, simulated_world
from platform_assets.domain.embeddings.cluster_days import LabelHistory, cluster_day
from platform_assets.domain.embeddings.clustering import cluster_embedding
from platform_assets.domain.embeddings.training import train_embedding
from platform_assets.trained_models.domain_clusters import DOMAINS

DAYS = 60
VOLUME, TIMES = 1_000_000, 10
DATE = FIRST_DAY + timedelta(days=DAYS)
WEEKS = 4
METHOD = f"""\
**Quality**: on the simulated world of {DAYS} days, from its files through the platform's own steps, the adjusted Rand
index between the clusters of all sites and the planted topics: for the newest day and for the {WEEKS} weeks before it,
whose labels must be the same topics. The same without the words of paths, thus from browsing alone. The real data sets
have no truth: reported is the silhouette, how far clusters agree with a map of categories (normalised mutual
information, over the domains that it knows), and the lift: how much more often two things of one later session or
basket are of one cluster than if they were put together by chance.

**Cost**: CPU seconds of a fresh process that makes sequences from events, embeds them and clusters the result, against
gensim alone on the same sentences as Python lists, with the same parameters; imports are left out of both. Ten times
the events are the same ones told ten times, in sessions of their own."""

Row = tuple[str, str, str]


def measure(scratch: Path, shared_data: Path | None) -> Section:
    """Planted topics, real data where there is any, and costs."""
    rows: list[Row] = []
    figures: dict[str, Any] = {}
    events = _events(scratch)
    rows += _planted(events, figures)
    rows += _costs(events, 1, figures)
    rows += _costs(_repeated(events), TIMES, figures)
    rows.append(_growth(figures))
    if shared_data:
        rows += _real(shared_data, figures)
    return Section(
        title="Clusters of domains",
        command="python -m benchmarks domain_clusters",
        method=METHOD,
        header=("what", "measured", "must be"),
        rows=rows,
        figures=figures,
    )


def _events(scratch: Path) -> Path:
    """The folder of a world's events, made unless it is there; it names the world's own, where the truth lies."""
    world = simulated_world(scratch / "worlds", VOLUME, DAYS)
    folder = scratch / "domain_clusters" / str(VOLUME)
    if not (folder / "events.parquet").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "world").write_text(str(world.parent))
        run(["-m", "benchmarks.domain_clusters", "events", str(folder)])
    return folder


def _repeated(folder: Path) -> Path:
    """The folder of the same events several times over, each time in sessions of their own."""
    import ibis

    many = folder.with_name(f"{folder.name}-times-{TIMES}")
    if not (many / "events.parquet").exists():
        many.mkdir(parents=True, exist_ok=True)
        connection = ibis.duckdb.connect()
        events = connection.read_parquet(folder / "events.parquet")
        copies = ibis.range(0, TIMES).unnest().name("copy").as_table()
        repeated = events.cross_join(copies)
        suffix = "-" + repeated["copy"].cast("string")
        named = repeated.mutate(event_id=repeated.event_id + suffix, session_id=repeated.session_id + suffix)
        connection.to_parquet(named.drop("copy"), many / "events.parquet")
    return many


def _planted(folder: Path, figures: dict[str, Any]) -> list[Row]:
    import ibis

    events = ibis.read_parquet(folder / "events.parquet")
    topics = _topics(Path((folder / "world").read_text()))
    history, weekly, labels = LabelHistory(), [], []
    for week in range(WEEKS, -1, -1):
        day = DATE - timedelta(days=7 * week)
        embedding = train_embedding(events, DOMAINS, day).embedding
        clustered = cluster_day(day, embedding, DOMAINS, history, {})
        weekly.append(_rand(embedding.tokens, clustered.labelling.labels, topics))
        labels.append(dict(zip(embedding.tokens.tolist(), clustered.labelling.labels.tolist(), strict=True)))
    alone = train_embedding(events, replace(DOMAINS, words=None), DATE).embedding
    browsing = _rand(alone.tokens, cluster_embedding(alone, replace(DOMAINS, words=None)).cluster, topics)
    pairs = [(before[site], now[site]) for before, now in pairwise(labels) for site in now]
    kept = float(np.mean([before == now for before, now in pairs]))
    figures["planted"] = {"adjusted_rand": weekly, "without_words": browsing, "labels_kept": kept}
    return [
        (
            f"adjusted Rand index against planted topics, {len(labels[-1])} of {len(topics)} sites",
            f"{weekly[-1]:.3f}",
            "0.9",
        ),
        (f"the same in each of {WEEKS} weeks before, lowest", f"{min(weekly[:-1]):.3f}", "0.9"),
        ("labels of sites that stay from week to week", f"{kept:.1%}", "stable"),
        ("adjusted Rand index from browsing alone, without words of paths", f"{browsing:.3f}", "–"),
    ]


def _topics(world: Path) -> dict[str, str]:
    (path,) = world.rglob("sites.parquet")
    sites = pq.read_table(path, columns=["domain", "topic"]).to_pylist()
    return {row["domain"].removeprefix("www."): row["topic"] for row in sites}


def _rand(tokens: np.ndarray, found: np.ndarray, topics: dict[str, str]) -> float:
    from sklearn.metrics import adjusted_rand_score

    known = np.array([token in topics for token in tokens.tolist()])
    return float(adjusted_rand_score([topics[token] for token in tokens[known].tolist()], found[known]))


def _costs(folder: Path, times: int, figures: dict[str, Any]) -> list[Row]:
    spent = {leg: json.loads(run(["-m", "benchmarks.domain_clusters", leg, str(folder)])[1].splitlines()[-1])
             for leg in ("platform", "plain")}  # fmt: skip
    if spent["platform"]["sequences"] != spent["plain"]["sequences"]:
        raise AssertionError(f"the legs don't learn from the same: {spent}")
    ratio = spent["platform"]["cpu_seconds"] / spent["plain"]["cpu_seconds"]
    figures[f"times_{times}"] = spent | {"ratio": ratio}
    share = spent["platform"]["sequences_cpu_seconds"] / spent["platform"]["cpu_seconds"]
    measured = f"{ratio:.2f} × ({spent['platform']['cpu_seconds']:.1f} CPU s, {share:.0%} of it for the sequences)"
    return [
        (
            f"{times * VOLUME / 1e6:g} M events, {spent['plain']['sequences']:,} sequences: platform / gensim alone",
            measured,
            "–",
        )
    ]


def _growth(figures: dict[str, Any]) -> Row:
    small, large = (figures[f"times_{times}"]["platform"] for times in (1, TIMES))
    cpu = large["cpu_seconds"] / small["cpu_seconds"]
    memory = large["peak_megabytes"] / small["peak_megabytes"]
    figures["growth"] = {"cpu": cpu, "memory": memory}
    return ("ten times the events: CPU seconds, peak memory", f"{cpu:.1f} ×, {memory:.1f} ×", "–")


def _real(shared_data: Path, figures: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for name, judged in (("webtrackr", webtrackr_visits(shared_data)), ("online_retail", retail_items(shared_data))):
        figures[name] = judged
        agreement = f", agreement with categories {judged['agreement']:.2f}" if "agreement" in judged else ""
        apart = "" if judged["stand_apart"] else " (none stand apart)"
        rows.append(
            (
                f"{name}: {judged['tokens']:,} {judged['what']} in {judged['sequences']:,} sequences",
                f"{judged['clusters']} clusters{apart}, silhouette {judged['silhouette']:.2f}, "
                f"lift {judged['lift']:.2f}{agreement}",
                "–",
            )
        )
    return rows


def _make_events(folder: Path) -> None:
    """Landed files → events, by the platform's own steps."""
    from benchmarks.raw_to_events_leg import Platform
    from platform_assets.domain.sources import load_sources
    from resources.lakehouse.io_manager import read

    (source,) = (source for source in load_sources(Path("config/sources.yaml")) if source.simulated)
    every = [FIRST_DAY + timedelta(days=day) for day in range(DAYS)]
    platform = Platform(
        source, Path((folder / "world").read_text()) / "landing", every, folder / "platform", full=False
    )
    platform.raw()
    platform.events()
    events = read(platform._lakehouse, platform._engine, platform._lakehouse.snapshot("events"), None)
    needed = events.select("event_id", "event_time", "event_date", "session_id", "domain", "path", "is_bot")
    platform._engine.backend.to_parquet(needed, folder / "events.parquet")
    shutil.rmtree(folder / "platform")


def _platform(folder: Path) -> dict[str, float]:
    import gensim.models  # noqa: F401  # so that the clock starts after imports
    import sklearn.cluster  # noqa: F401

    from platform_assets.domain.embeddings.sequences import sequences, visits
    from platform_assets.domain.embeddings.training import Corpus
    from resources.compute.duckdb_engine import DuckDBEngine

    engine = DuckDBEngine(spill_folder=folder / "spill")
    events = engine.backend.read_parquet(folder / "events.parquet")
    began = time.process_time()
    trained = train_embedding(events, DOMAINS, DATE)
    cluster_embedding(trained.embedding, DOMAINS)
    spent = time.process_time() - began
    began = time.process_time()
    told = sequences(visits(events, DOMAINS, DATE), DOMAINS).select("tokens")
    Corpus(folder / "sentences.arrow").write(told.to_pyarrow_batches(chunk_size=20_000))
    return {
        "cpu_seconds": spent,
        "sequences_cpu_seconds": time.process_time() - began,
        "sequences": trained.sequences,
        "peak_megabytes": _peak(),
    }


def _plain(folder: Path) -> dict[str, float]:
    from gensim.models import Word2Vec

    from platform_assets.domain.embeddings.training import Corpus

    sentences = list(Corpus(folder / "sentences.arrow"))
    began = time.process_time()
    passes = max(DOMAINS.epochs, -(-DOMAINS.steps // sum(map(len, sentences))))
    Word2Vec(
        sentences,
        vector_size=DOMAINS.dimensions,
        window=DOMAINS.context,
        negative=DOMAINS.negative,
        epochs=passes,
        seed=DOMAINS.seed,
        sg=1,
        sample=0,
        min_count=1,
        workers=1,
    )
    return {"cpu_seconds": time.process_time() - began, "sequences": len(sentences), "peak_megabytes": _peak()}


def _peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    leg, given = sys.argv[1], Path(sys.argv[2])
    if leg == "events":
        _make_events(given)
    else:
        print(json.dumps(_platform(given) if leg == "platform" else _plain(given)))
