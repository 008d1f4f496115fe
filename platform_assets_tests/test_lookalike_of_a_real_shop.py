"""Repeat buyers of a real shop: a month that the model never saw, through the whole chain."""

from pathlib import Path

import dagster as dg
import pytest

from platform_assets.domain.modelling.expansion import realised
from platform_assets_tests.online_retail import LOOKALIKE, OnlineRetail


@pytest.mark.long
def test_repeat_buyers_of_the_coming_28_days_are_found_and_counted_beforehand(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_DATA", str(shared_data))
    with dg.DagsterInstance.ephemeral() as instance:
        shop = OnlineRetail.opened(tmp_path / "shop", instance)
        shop.run_all()
        validated = shop.table("repeat_buyers_validation").to_pandas()
        rows = realised(
            shop.table("repeat_buyers_audience"), shop.table("url_audiences"), shop.table("user_ids"), LOOKALIKE
        )
    assert len(validated) == 29 and not validated.in_sample.any()
    assert validated.auc.mean() > 0.63
    assert validated.auc_low.min() > 0.55
    whole = rows[rows["rank"] == LOOKALIKE.size]
    base_rate = validated.positives.sum() / validated["rows"].sum()
    assert whole.realised_precision.mean() > 1.2 * base_rate
    assert rows.realised_precision.between(rows.expected_precision_low, rows.expected_precision_high).mean() >= 0.9
