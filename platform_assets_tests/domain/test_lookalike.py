"""Who is outside of a seed, and which declarations make no lookalike."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.lookalike import Lookalike, NobodyInSeed, non_members, require_members
from platform_assets.trained_models.specs import all_lookalikes, all_specs
from platform_assets_tests.model_worlds import small_spec

DAY = date(2026, 2, 1)
SEED = AudienceLabel("url_audiences", "buyers", horizon_days=7, maturity_days=8)
days = st.integers(0, 4).map(lambda number: DAY + timedelta(days=number))
persons = st.lists(st.tuples(days, st.sampled_from(["ann", "bob", "cem"])), max_size=12, unique=True)


def table(rows: list[tuple]) -> ibis.Table:
    schema = {"event_date": "date", "user_id": "string"}
    return ibis.memtable(pd.DataFrame(rows, columns=list(schema)), schema=schema)


@settings(max_examples=25, deadline=None)
@given(rows=persons, members=persons)
def test_outside_is_who_did_not_belong_at_the_end_of_the_day_before(rows: list[tuple], members: list[tuple]) -> None:
    found = non_members(table(rows), table(members), day="event_date").to_pyarrow().to_pylist()
    held = set(members)
    expected = {(day, user) for day, user in rows if (day - timedelta(days=1), user) not in held}
    assert sorted((row["event_date"], row["user_id"]) for row in found) == sorted(expected)


def test_a_day_on_whose_eve_nobody_belonged_is_named() -> None:
    lookalike = Lookalike(model=small_spec(name="twins", label=SEED), size=10)
    members = table([(DAY, "ann"), (DAY + timedelta(days=1), "ann")])
    require_members([DAY + timedelta(days=1), DAY + timedelta(days=2)], members, lookalike)
    with pytest.raises(NobodyInSeed, match="url_audiences for twins_audience: 'buyers' has no member when 2026-02-04"):
        require_members([DAY + timedelta(days=2), DAY + timedelta(days=3)], members, lookalike)


def test_only_a_label_that_is_an_audience_and_a_size_make_a_lookalike() -> None:
    with pytest.raises(ConfigurationError, match="its label is at least one purchase"):
        Lookalike(model=small_spec(), size=10)
    with pytest.raises(ConfigurationError, match="its size is 0"):
        Lookalike(model=small_spec(label=SEED), size=0)


def test_the_labels_of_a_lookalike_wait_for_late_events_as_those_of_every_model() -> None:
    waiting = Lookalike(model=small_spec(label=SEED), size=10).waiting_for(5)
    assert waiting.seed.maturity_days == waiting.model.label.maturity_days == 11
    assert waiting.size == 10


def test_every_lookalike_is_found_and_its_model_is_one_of_the_models() -> None:
    assert {each.model.name for each in all_lookalikes()} <= {spec.name for spec in all_specs()}
    assert "lookalike" in {each.model.name for each in all_lookalikes()}
