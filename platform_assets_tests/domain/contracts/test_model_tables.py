"""Tables of a model are promised from its spec, and features keep what their own contract says of them."""

from dataclasses import replace

import pytest

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from platform_assets.domain.contracts.model_tables import feature_columns, scores_contract, training_set_contract
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets_tests.model_worlds import small_spec


def table(name: str, *columns: Column, key: tuple[str, ...] = ("event_date", "user_id")) -> Contract:
    keys = [Column(each, "date" if each.endswith("date") else "string", each, nullable=False) for each in key]
    return Contract(
        name, "One row is one user on one day.", key=key, columns=(*keys, *columns), partition_column=key[0]
    )


VISITS = Column("visits", "int64", "Visits in the last week", nullable=False)
TABLES = {
    each.name: each
    for each in (
        table("user_features", VISITS, Column("country", "string", "Where"), Column("age", "float64", "How old")),
        table("user_moods", Column("mood", "float64", "How they feel"), key=("mood_date", "user_id")),
        table("sites", Column("size", "float64", "How large"), key=("event_date", "domain")),
    )
}


def reading(*features: FeatureColumns) -> ModelSpec:
    return replace(small_spec(), features=features)


def test_a_feature_keeps_type_and_description_of_its_table_and_may_be_missing() -> None:
    contract = training_set_contract(small_spec(features=("visits",)), TABLES)
    assert replace(VISITS, nullable=True) in contract.columns
    assert contract.partition_column == "training_date"


def test_features_come_from_several_tables_in_the_order_of_the_spec() -> None:
    spec = reading(
        FeatureColumns("user_features", ("visits",)), FeatureColumns("user_moods", ("mood",), date_column="mood_date")
    )
    assert feature_columns(training_set_contract(spec, TABLES)) == ("visits", "age", "mood")


def test_a_feature_that_comes_into_the_spec_or_leaves_it_changes_no_contract() -> None:
    one, other, both = (small_spec(features=names) for names in (("visits",), ("age",), ("age", "visits")))
    assert training_set_contract(one, TABLES).columns == training_set_contract(other, TABLES).columns
    assert training_set_contract(one, TABLES).columns == training_set_contract(both, TABLES).columns


def test_a_column_of_two_tables_is_that_of_the_table_that_the_spec_names() -> None:
    tables = TABLES | {"also": table("also", Column("visits", "float64", "Visits of another kind"))}
    spec = reading(FeatureColumns("user_features", ("age",)), FeatureColumns("also", ("visits",)))
    found = {column.name: column for column in training_set_contract(spec, tables).columns}
    assert found["visits"].description == "Visits of another kind"


WRONG: list[tuple[FeatureColumns, str, str]] = [
    (FeatureColumns("user_feature", ("visits",)), "no feature table 'user_feature'", "did you mean 'user_features'"),
    (FeatureColumns("nothing_like_it", ("visits",)), "no feature table", "use some of sites, user_features"),
    (FeatureColumns("user_features", ("visit",)), r"no columns \['visit'\]", "did you mean 'visits' for 'visit'?"),
    (FeatureColumns("user_features", ("zzz",)), r"no columns \['zzz'\]", "use some of age, country, visits"),
    (FeatureColumns("user_features", ("country",)), r"columns \['country'\] of user_features are not numbers", "num"),
    (FeatureColumns("user_moods", ("mood",)), r"one per \(mood_date, user_id\), not one per", "as date_column"),
    (FeatureColumns("sites", ("size",)), r"one per \(event_date, domain\), not one per", "a day and the entity"),
]


@pytest.mark.parametrize(("features", "complaint", "todo"), WRONG)
def test_a_table_or_column_that_is_no_feature_is_refused_with_the_nearest_name(
    features: FeatureColumns, complaint: str, todo: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        training_set_contract(reading(features), TABLES)
    assert todo in caught.value.todo


def test_the_person_stays_a_pseudonym_in_every_table() -> None:
    classes = {column.name: column.pii for column in scores_contract(small_spec()).columns}
    assert classes["user_id"] is Pii.PSEUDONYM
