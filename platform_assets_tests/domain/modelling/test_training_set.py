"""Features lie before a training row's day, its label after it, and later data changes neither."""

from datetime import date, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.modelling.training_set import labelled, training_set
from platform_assets.domain.training_windows import AllData
from platform_assets_tests.domain.identities import one_cookie_each, user_ids_of
from platform_assets_tests.model_worlds import small_spec

DAY = date(2026, 1, 31)
AS_OF = DAY + timedelta(days=8)
RULE = LabelRule("purchase", horizon_days=7, maturity_days=8)
SPEC = small_spec(features=("visits",))
USERS = ["ann", "bob", "cem"]
FEATURES = pd.DataFrame(
    [(DAY - timedelta(days=back), user, float(back)) for back in range(60) for user in USERS],
    columns=["event_date", "user_id", "visits"],
)
EVENT_COLUMNS = ["event_date", "cookie_id", "event_type", "is_bot"]
EVENT_SCHEMA = {"event_date": "date", "cookie_id": "string", "event_type": "string", "is_bot": "boolean"}

events = st.lists(
    st.tuples(
        st.dates(DAY - timedelta(days=70), DAY + timedelta(days=30)),
        st.sampled_from([*USERS, None]),
        st.sampled_from(["purchase", "page_view"]),
        st.sampled_from([True, False, None]),
    ),
    max_size=12,
)


def event_table(rows: list[tuple]) -> ibis.Table:
    table = ibis.memtable(pd.DataFrame(rows, columns=EVENT_COLUMNS), schema=EVENT_SCHEMA)
    return table.mutate(login_hash=ibis.null("string"), device_id=ibis.null("string"))


def feature_table(frame: pd.DataFrame = FEATURES) -> ibis.Table:
    return ibis.memtable(frame, schema={"event_date": "date", "user_id": "string", "visits": "float64"})


def built(rows: list[tuple], features: pd.DataFrame = FEATURES, spec=SPEC) -> pd.DataFrame:
    events = event_table(rows)
    frame = training_set(
        {"user_features": feature_table(features)}, events, one_cookie_each(events), spec, AS_OF
    ).to_pandas()
    return frame.sort_values(["feature_date", "user_id"], ignore_index=True)


def label_of_ann(event_date: date, event_type: str = "purchase", is_bot: bool | None = False) -> int:
    rows = ibis.memtable(
        pd.DataFrame({"event_date": [DAY], "user_id": ["ann"]}), schema={"event_date": "date", "user_id": "string"}
    )
    events = event_table([(event_date, "ann", event_type, is_bot)])
    table = labelled(rows, events, one_cookie_each(events), RULE, entity="user_id", day="event_date")
    return int(table.to_pandas()["label"].item())


def label_by_another_cookie(known: list[tuple], bought_on: date) -> int:
    """The label of ann on DAY, where the purchase is made under the cookie c2."""
    rows = ibis.memtable(
        pd.DataFrame({"event_date": [DAY], "user_id": ["ann"]}), schema={"event_date": "date", "user_id": "string"}
    )
    events = event_table([(bought_on, "c2", "purchase", False)])
    table = labelled(rows, events, user_ids_of(known), RULE, entity="user_id", day="event_date")
    return int(table.to_pandas()["label"].item())


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def test_a_purchase_counts_for_the_person_under_whatever_identifier_it_was_made() -> None:
    hers = [(later(-1), "c1", "ann"), (later(3), "c2", "ann")]
    assert label_by_another_cookie(hers, later(3)) == 1
    assert label_by_another_cookie([(later(-1), "c1", "ann"), (later(3), "c2", "bob")], later(3)) == 0


def test_a_person_who_becomes_another_id_within_the_window_keeps_the_label() -> None:
    merged = [(later(2), "c2", "bob"), (later(4), "c1", "bob", "ann"), (later(4), "c2", "bob")]
    assert label_by_another_cookie(merged, later(2)) == 1
    too_late = [(later(2), "c2", "bob"), (later(7), "c1", "bob", "ann"), (later(7), "c2", "bob")]
    assert label_by_another_cookie(too_late, later(2)) == 0


@pytest.mark.parametrize(("days_later", "label"), [(-1, 0), (0, 1), (6, 1), (7, 0)])
def test_the_label_looks_at_the_day_and_the_six_after_it(days_later: int, label: int) -> None:
    assert label_of_ann(DAY + timedelta(days=days_later)) == label


def test_other_event_types_and_bots_are_no_label() -> None:
    assert label_of_ann(DAY, event_type="page_view") == 0
    assert label_of_ann(DAY, is_bot=True) == 0
    assert label_of_ann(DAY, is_bot=None) == 1


@settings(max_examples=20, deadline=None)
@given(rows=events)
def test_labels_are_what_a_plain_reading_of_the_rule_gives(rows: list[tuple]) -> None:
    bought = {(user, when) for when, user, kind, bot in rows if kind == "purchase" and not bot and user}
    frame = built(rows)
    expected = [
        int(any((row.user_id, row.feature_date.date() + timedelta(days=ahead)) in bought for ahead in range(7)))
        for row in frame.assign(feature_date=pd.to_datetime(frame["feature_date"])).itertuples()
    ]
    assert frame["label"].tolist() == expected


@settings(max_examples=15, deadline=None)
@given(rows=events, later=events)
def test_events_after_the_last_label_window_change_nothing(rows: list[tuple], later: list[tuple]) -> None:
    after = [(day + timedelta(days=200), *rest) for day, *rest in later]
    pd.testing.assert_frame_equal(built(rows), built(rows + after))


def test_later_feature_days_change_nothing() -> None:
    later = FEATURES.assign(event_date=[day + timedelta(days=60) for day in FEATURES["event_date"]])
    pd.testing.assert_frame_equal(built([]), built([], pd.concat([FEATURES, later])))


def test_only_days_with_a_mature_label_are_used() -> None:
    days = pd.to_datetime(built([])["feature_date"]).dt.date
    assert days.max() == DAY
    assert set(days) == set(SPEC.feature_days(AS_OF))


def test_the_sample_keeps_to_its_limit_and_does_not_depend_on_the_order_of_rows() -> None:
    spec = small_spec(features=("visits",), sample_limit=20)
    sample = built([], spec=spec)
    assert len(sample) == 20
    pd.testing.assert_frame_equal(sample, built([], FEATURES.sample(frac=1, random_state=3), spec=spec))


@settings(max_examples=15, deadline=None)
@given(rows=events, later=events, shuffle=st.integers(0, 99))
def test_shuffling_and_deleting_all_that_comes_after_the_training_date_changes_nothing(
    rows: list[tuple], later: list[tuple], shuffle: int
) -> None:
    """Events, features and user_ids of later days: as they are, in another order with other contents, and gone."""
    until = [row for row in rows if row[0] <= AS_OF]
    after = [(AS_OF + timedelta(days=1 + number), *rest) for number, (_, *rest) in enumerate(later)]
    known = [(day, user, user) for day, user, *_ in until if user]
    merged = [(day, user, USERS[0]) for day, user, *_ in after if user]
    of_later = FEATURES.assign(event_date=[day + timedelta(days=69) for day in FEATURES["event_date"]])
    of_later = of_later[of_later["event_date"] > AS_OF]
    mixed = pd.concat([of_later.assign(visits=of_later["visits"].to_numpy()[::-1]), FEATURES])

    def made(seen: list[tuple], names: list[tuple], features: pd.DataFrame) -> pd.DataFrame:
        given = {"user_features": feature_table(features.sample(frac=1, random_state=shuffle))}
        frame = training_set(given, event_table(seen), user_ids_of(names), SPEC, AS_OF).to_pandas()
        return frame.sort_values(["feature_date", "user_id"], ignore_index=True)

    deleted = made(until, known, FEATURES)
    pd.testing.assert_frame_equal(deleted, made(until + after, known + merged, pd.concat([FEATURES, of_later])))
    pd.testing.assert_frame_equal(deleted, made(after[::-1] + until[::-1], merged[::-1] + known, mixed))


def test_a_window_of_three_years_is_a_range_and_a_step_and_no_list_of_days() -> None:
    spec = small_spec(features=("visits",), window=AllData(step_days=2))
    assert set(pd.to_datetime(built([], spec=spec)["feature_date"]).dt.date) == {
        DAY - timedelta(days=back) for back in range(0, 60, 2)
    }
    events = event_table([])
    query = training_set({"user_features": feature_table()}, events, one_cookie_each(events), spec, AS_OF)
    assert str(ibis.to_sql(query)).count("MAKE_DATE") < 20


def test_a_fraction_of_the_persons_is_a_part_of_the_training_set_with_all_their_days() -> None:
    everybody = built([(DAY, "bob", "purchase", False)])
    some = built([(DAY, "bob", "purchase", False)], spec=small_spec(features=("visits",), sample_fraction=0.5))
    kept = set(some["user_id"])
    assert 0 < len(kept) < len(USERS)
    pd.testing.assert_frame_equal(some, everybody[everybody["user_id"].isin(kept)].reset_index(drop=True))
