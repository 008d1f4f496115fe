"""An audience as label: only what is done from the feature day on counts, by whichever id the person goes then."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.modelling.training_set import labelled, training_set
from platform_assets_tests.domain.identities import user_ids_of
from platform_assets_tests.model_worlds import small_spec

DAY = date(2026, 1, 31)
AS_OF = DAY + timedelta(days=8)
RULE = AudienceLabel("url_audiences", "buyers", horizon_days=7, maturity_days=8)
SPEC = small_spec(features=("visits",), label=RULE)
USERS = ["ann", "bob", "cem"]
FEATURES = pd.DataFrame(
    [(DAY - timedelta(days=back), user, float(back)) for back in range(60) for user in USERS],
    columns=["event_date", "user_id", "visits"],
)
AUDIENCE_SCHEMA = {"event_date": "date", "audience": "string", "user_id": "string", "last_event_date": "date"}

days = st.dates(DAY - timedelta(days=70), DAY + timedelta(days=30))
memberships = st.lists(
    st.tuples(days, st.sampled_from(["buyers", "readers"]), st.sampled_from(USERS), st.integers(0, 2)), max_size=14
)


def later(number: int) -> date:
    return DAY + timedelta(days=number)


def audience_table(rows: list[tuple]) -> ibis.Table:
    """Rows of (day, audience, user, days since the last event)."""
    records = [(day, audience, user, day - timedelta(days=ago)) for day, audience, user, ago in rows]
    return ibis.memtable(pd.DataFrame(records, columns=list(AUDIENCE_SCHEMA)), schema=AUDIENCE_SCHEMA)


def feature_table(frame: pd.DataFrame = FEATURES) -> ibis.Table:
    return ibis.memtable(frame, schema={"event_date": "date", "user_id": "string", "visits": "float64"})


def built(rows: list[tuple]) -> pd.DataFrame:
    frame = training_set(
        {"user_features": feature_table()}, audience_table(rows), user_ids_of([]), SPEC, AS_OF
    ).to_pandas()
    return frame.sort_values(["feature_date", "user_id"], ignore_index=True)


def labels_on_day(rows: list[tuple], known: list[tuple]) -> dict[str, int]:
    """The labels of all users on DAY."""
    features = feature_table(FEATURES[FEATURES.event_date == DAY])
    found = labelled(features, audience_table(rows), user_ids_of(known), RULE, entity="user_id", day="event_date")
    frame = found.to_pandas()
    return dict(zip(frame["user_id"], map(int, frame["label"]), strict=True))


@pytest.mark.parametrize(("days_later", "ago", "label"), [(-1, 0, 0), (0, 0, 1), (6, 0, 1), (7, 0, 0), (3, 1, 0)])
def test_a_hit_is_what_makes_or_keeps_a_member_on_the_day_or_the_six_after_it(
    days_later: int, ago: int, label: int
) -> None:
    assert labels_on_day([(later(days_later), "buyers", "ann", ago)], [])["ann"] == label


def test_a_member_who_does_nothing_more_and_a_member_of_another_audience_have_no_hit() -> None:
    idle = [(later(number), "buyers", "ann", number + 1) for number in range(7)]
    assert labels_on_day([*idle, (later(2), "readers", "ann", 0)], [])["ann"] == 0


def test_who_becomes_another_id_before_or_after_the_hit_keeps_the_label() -> None:
    moved = [(later(3), "c1", "bob", "ann"), (later(3), "c2", "bob")]
    assert labels_on_day([(later(5), "buyers", "bob", 0)], moved)["ann"] == 1
    assert labels_on_day([(later(1), "buyers", "ann", 0)], moved) == {"ann": 1, "bob": 1, "cem": 0}
    assert labels_on_day([(later(5), "buyers", "bob", 0)], [(later(7), "c1", "bob", "ann")])["ann"] == 0


@settings(max_examples=12, deadline=None)
@given(rows=memberships)
def test_labels_are_what_a_plain_reading_of_the_rule_gives(rows: list[tuple]) -> None:
    joined = {(user, day) for day, audience, user, ago in rows if audience == "buyers" and ago == 0}
    frame = built(rows)
    expected = [
        int(any((row.user_id, row.feature_date.date() + timedelta(days=ahead)) in joined for ahead in range(7)))
        for row in frame.assign(feature_date=pd.to_datetime(frame["feature_date"])).itertuples()
    ]
    assert frame["label"].tolist() == expected


@settings(max_examples=6, deadline=None)
@given(rows=memberships, after=memberships)
def test_what_the_audience_becomes_after_the_last_window_changes_nothing(rows: list[tuple], after: list[tuple]) -> None:
    pd.testing.assert_frame_equal(
        built(rows), built(rows + [(day + timedelta(days=200), *rest) for day, *rest in after])
    )


@settings(max_examples=6, deadline=None)
@given(rows=memberships)
def test_members_of_before_the_feature_day_change_nothing_of_its_label(rows: list[tuple]) -> None:
    earlier = [(day - timedelta(days=35), *rest) for day, *rest in rows]
    of_the_past = [row for row in earlier if row[0] < DAY]
    assert labels_on_day(of_the_past, []) == dict.fromkeys(USERS, 0)


def test_an_audience_has_no_other_entities_than_persons() -> None:
    with pytest.raises(ConfigurationError, match="an audience has persons, but the entity is 'cookie_id'"):
        small_spec(label=RULE, entity="cookie_id")


@pytest.mark.parametrize("names", [("", "buyers", "audience"), ("url_audiences", "", "audience"), ("t", "buyers", "")])
def test_a_label_that_names_no_audience_is_refused(names: tuple[str, str, str]) -> None:
    with pytest.raises(ConfigurationError, match="name no audience"):
        AudienceLabel(*names, horizon_days=7, maturity_days=8)
