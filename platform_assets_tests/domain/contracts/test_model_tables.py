"""Tables of a model are promised from its spec, and features keep what their own contract says of them."""

import pytest

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from platform_assets.domain.contracts.model_tables import scores_contract, training_set_contract
from platform_assets.domain.errors import ConfigurationError
from platform_assets_tests.model_worlds import small_spec

FEATURES = Contract(
    "user_features",
    "One row is one user on one day.",
    key=("event_date", "user_id"),
    columns=(
        Column("event_date", "date", "The day"),
        Column("user_id", "string", "Who", pii=Pii.PSEUDONYM),
        Column("visits", "int64", "Visits in the last week"),
    ),
)


def test_a_feature_keeps_type_and_description_of_the_feature_table() -> None:
    contract = training_set_contract(small_spec(features=("visits",)), FEATURES)
    assert contract.columns[-1] == FEATURES.columns[-1]
    assert contract.partition_column == "training_date"


def test_a_feature_that_the_feature_table_lacks_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"user_features has no columns \['carts', 'noise'\]"):
        training_set_contract(small_spec(), FEATURES)


def test_the_person_stays_a_pseudonym_in_every_table() -> None:
    classes = {column.name: column.pii for column in scores_contract(small_spec()).columns}
    assert classes["user_id"] is Pii.PSEUDONYM
