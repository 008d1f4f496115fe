"""Pictures of audiences are drawn for none, one and many, and twice the same."""

import numpy as np
import pandas as pd
import pytest

from platform_assets.domain.audience_reports.pictures import odds_ratio_picture, overlap_picture


def overlap(audiences: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"url:audience_{number}" for number in range(audiences)]
    sizes = pd.DataFrame({"audience": names, "members": np.arange(audiences, dtype="int64") + 5})
    pairs = [(one, other, 0.4, 0.2) for one in names for other in names if one[-1] == other[-1] and one != other]
    return pd.DataFrame(pairs, columns=["audience", "other_audience", "members_share", "jaccard"]), sizes


def report(audiences: int) -> pd.DataFrame:
    numbers = np.arange(audiences)
    return pd.DataFrame(
        {
            "audience": [f"category:audience {number}" for number in numbers],
            "population": 1_000,
            "active_members": 10 + numbers,
            "converted_members": numbers % 4,
            "converted_others": 7,
            "odds_ratio": np.where(numbers % 4, 0.5 + numbers % 4, np.nan),
            "odds_ratio_low": np.where(numbers % 4, 0.2, 0.9),
            "odds_ratio_high": np.where(numbers % 4, 20.0, np.nan),
            "no_odds_ratio": None,
        }
    )


@pytest.mark.parametrize("audiences", [1, 3, 62])
def test_any_number_of_audiences_is_drawn_and_twice_the_same(audiences: int) -> None:
    drawn = [overlap_picture(*overlap(audiences), "Overlap") for _ in range(2)]
    assert drawn[0] == drawn[1]
    drawn = [odds_ratio_picture(report(audiences), "Odds") for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_a_day_without_any_odds_ratio_says_so() -> None:
    nothing = report(3).assign(no_odds_ratio="nobody_converted")
    assert odds_ratio_picture(nothing, "Odds").startswith(b"\x89PNG")
    assert odds_ratio_picture(nothing, "Odds") != odds_ratio_picture(report(3), "Odds")
