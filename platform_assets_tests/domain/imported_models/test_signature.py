"""What a model takes, against what a table gives: everything that doesn't fit is told at once."""

import ibis.expr.datatypes as dt
import pytest

from platform_assets.domain.imported_models.signature import Kind, ModelInput, TableDoesNotFit, check_signature

TABLE = {"user_id": dt.string, "visits": dt.int64, "value": dt.float64, "country": dt.string, "seen_at": dt.timestamp}


def test_a_table_that_gives_everything_fits_and_what_is_not_read_is_named() -> None:
    found = check_signature([ModelInput("value"), ModelInput("visits")], TABLE, {}, 10)
    assert found.problems == ()
    assert found.notes == (
        "3 columns are not read: user_id, country, seen_at",
        "the model takes its columns in another order than the table has them: they are given by name",
    )


def test_all_that_does_not_fit_is_told_at_once() -> None:
    inputs = [
        ModelInput("visit"),
        ModelInput("country"),
        ModelInput("seen_at", Kind.CATEGORY),
        ModelInput("value", Kind.INTEGER),
        ModelInput("visits", Kind.INTEGER, takes_missing=False),
    ]
    found = check_signature(inputs, TABLE, {"visits": 4}, 10)
    assert found.problems == (
        "column visit is missing (is it visits?)",
        "column country is string, the model takes numbers",
        "column seen_at is timestamp, the model takes numbers or texts",
        "column value is float64, the model takes whole numbers",
        "column visits has no value in 4 of 10 rows, the model needs one",
    )
    with pytest.raises(TableDoesNotFit) as raised:
        found.require("churn on user_features")
    assert all(problem in str(raised.value) for problem in found.problems)
    assert "5 thing(s)" in str(raised.value)


def test_texts_fit_where_the_model_encodes_them() -> None:
    assert check_signature([ModelInput("country", Kind.CATEGORY)], TABLE, {}, 10).problems == ()
    assert check_signature([ModelInput("country", Kind.TEXT)], TABLE, {}, 10).problems == ()


def test_an_input_that_is_named_twice_is_told() -> None:
    assert check_signature([ModelInput("value")] * 2, TABLE, {}, 1).problems == ("input value is named more than once",)
