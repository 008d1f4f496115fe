"""The assets on a small simulated world: clusters are the planted topics, ranges are single days, all is recorded."""

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import dagster as dg
import ibis
import pandas as pd
import pytest

from platform_assets.definitions import build_definitions
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.model_version import ModelNotFound, ModelTampered
from resources.model_registry.registry import ModelRegistry
from resources.settings import Settings

DAYS = KEYS[-3:]


@dataclass(frozen=True)
class World:
    """A platform of its own, with the events and persons of the shared one."""

    platform: SmallPlatform

    @classmethod
    def with_events_of(cls, platform: SmallPlatform, home: Path) -> "World":
        given = platform.settings
        settings = Settings(home=home, first_day=given.first_day, last_day=given.last_day)
        for table in ("events", "user_ids"):
            shutil.copytree(Path(given.lake_root) / table, Path(settings.lake_root) / table)
        return cls(SmallPlatform(settings, platform.truth, platform.overrides))

    def learn_and_cluster(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        return self.platform.materialise("domain_clusters_model", "domain_clusters", first=first, last=last)

    def cluster(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        return self.platform.materialise("domain_clusters", first=first, last=last)

    def rows(self) -> pd.DataFrame:
        table = Lakehouse(self.platform.settings.lake_root).snapshot("domain_clusters").delta.to_pandas()
        return table.sort_values(["event_date", "domain"], ignore_index=True)

    def registry(self) -> ModelRegistry:
        settings = self.platform.settings
        return ModelRegistry(settings.tracking_uri, settings.model_files_root)


@pytest.fixture(scope="module")
def range_run(
    small_platform: SmallPlatform, tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, dg.ExecuteInProcessResult]:
    world = World.with_events_of(small_platform, tmp_path_factory.mktemp("range"))
    return world, world.learn_and_cluster(DAYS[0], DAYS[-1])


@pytest.fixture(scope="module")
def world(range_run: tuple[World, dg.ExecuteInProcessResult]) -> World:
    return range_run[0]


def test_clusters_are_the_planted_topics(world: World, small_platform: SmallPlatform) -> None:
    from sklearn.metrics import adjusted_rand_score

    (sites,) = Path(small_platform.settings.home_folder).rglob("sites.parquet")
    topic_of = ibis.read_parquet(sites).to_pandas().set_index("domain")["topic"]
    topic_of.index = topic_of.index.str.removeprefix("www.")
    newest = world.rows().query("event_date == event_date.max()")
    assert len(newest) >= 45
    assert adjusted_rand_score(newest["domain"].map(topic_of), newest["cluster"]) >= 0.9


def test_a_range_gives_the_rows_of_the_single_days(world: World, small_platform: SmallPlatform, tmp_path: Path) -> None:
    alone = World.with_events_of(small_platform, tmp_path)
    for day in DAYS:
        alone.learn_and_cluster(day, day)
    pd.testing.assert_frame_equal(alone.rows(), world.rows())


def test_an_old_day_computed_again_sees_nothing_of_later_ones(world: World) -> None:
    before = world.rows()
    world.cluster(DAYS[1], DAYS[1])
    pd.testing.assert_frame_equal(world.rows(), before)
    assert before["previous_cluster"].isna().sum() >= (before["event_date"] == before["event_date"].min()).sum()


def test_labels_stay_from_day_to_day(world: World) -> None:
    rows = world.rows().dropna(subset="previous_cluster")
    assert (rows["cluster"] == rows["previous_cluster"]).mean() > 0.9


def test_the_model_names_its_data_code_and_run(world: World) -> None:
    version = world.registry().trained_on("domain_clusters", date.fromisoformat(DAYS[-1]))
    assert version is not None
    assert str(version.trained_until) == KEYS[-2]
    tags = world.registry().tags(version)
    assert tags["delta_version.events"] == "0"
    assert tags["dagster_run_id"] and tags["code_version"] and tags["digest"]
    assert set(world.rows().query("event_date == event_date.max()")["model_version"]) == {version.version}


def test_a_days_events_show_figures_labels_and_on_the_newest_a_map(
    range_run: tuple[World, dg.ExecuteInProcessResult],
) -> None:
    world, result = range_run
    events = result.asset_materializations_for_node("domain_clusters")
    by_day = {event.partition: event.metadata for event in events}
    assert by_day[DAYS[0]]["clusters_new"].value == by_day[DAYS[0]]["clusters"].value
    assert "embedding_map" in by_day[DAYS[-1]] and "embedding_map" not in by_day[DAYS[0]]
    picture = Path(world.platform.settings.pictures_root) / "domain_clusters" / DAYS[-1] / "embedding_map.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_replay_uses_the_versions_that_were_recorded(world: World) -> None:
    from platform_assets.cli.recompute import Recomputation

    with Recomputation(world.platform.settings) as recomputation:
        for published, keys in recomputation.plan("domain_clusters"):
            found = recomputation.difference(published, keys)
            assert (found.missing, found.surplus) == (0, 0)


def test_without_a_model_of_the_day_nothing_is_published(world: World) -> None:
    with pytest.raises(ModelNotFound, match=f"no embedding was trained as of {KEYS[0]}"):
        world.cluster(KEYS[0], KEYS[0])
    assert KEYS[0] not in set(world.rows()["event_date"].astype(str))


def test_an_embedding_that_somebody_changed_is_refused(world: World, tmp_path: Path) -> None:
    version = world.registry().trained_on("domain_clusters", date.fromisoformat(DAYS[0]))
    assert version is not None
    copied = tmp_path / "model"
    shutil.copytree(url2pathname(urlparse(version.uri).path), copied)
    elsewhere = replace(version, uri=copied.as_uri())
    assert len(world.registry().load_embedding(elsewhere).embedding.tokens)
    vectors = copied / "embedding.parquet"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"2")
    with pytest.raises(ModelTampered, match="registered was"):
        world.registry().load_embedding(elsewhere)


def test_features_know_the_clusters_of_what_a_person_visited(world: World) -> None:
    world.platform.materialise("user_features", first=DAYS[0], last=DAYS[0])
    rows = Lakehouse(world.platform.settings.lake_root).snapshot("user_features").delta.to_pandas()
    assert rows["clusters_28d"].between(1, rows["domains_28d"].max()).mean() > 0.8
    assert rows["top_cluster_share_28d"].dropna().between(0, 1).all()


def test_the_graph_reads_strictly_earlier_days(world: World) -> None:
    graph = build_definitions(world.platform.settings).resolve_asset_graph()
    node = graph.get(dg.AssetKey("domain_clusters"))
    assert node.key in node.parent_keys
    mapping = node.partition_mappings[node.key]
    assert (mapping.start_offset, mapping.end_offset) == (-56, -1)
