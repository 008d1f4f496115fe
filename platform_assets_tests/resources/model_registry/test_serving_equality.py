"""A row has one score, to the last bit: in one batch with all others, in its day, alone, in any order of columns."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import ParameterGrid

from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space
from resources.model_registry.model_files import LoadedModel, load_verified, read_files, write_model
from resources.model_registry.model_version import ModelVersion

CANDIDATES = list(ParameterGrid([dict(part) for part in logistic_or_boosting_space(1)]))
NAMES = [f"feature_{number}" for number in range(33)]
ROWS = 3_001


def rows() -> pd.DataFrame:
    """Counts and shares of a day or several, some unknown; a day has another number of rows than any other."""
    random = np.random.default_rng(3)
    table = pd.DataFrame(random.poisson(3.0, (ROWS, len(NAMES))) * random.random(len(NAMES)), columns=NAMES)
    table.iloc[::7, 0] = np.nan
    return table.assign(day=np.sort(random.integers(0, 30, ROWS)), user_id=[f"u{number}" for number in range(ROWS)])


@pytest.fixture(scope="module", params=CANDIDATES, ids=lambda each: "-".join(map(str, each.values()))[:40])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Each candidate, fitted, written and loaded as it is for scoring."""
    parameters: dict[str, Any] = request.param
    table = rows()
    labels = np.random.default_rng(4).random(ROWS) < 1 / (1 + np.exp(4 - table["feature_1"] - table["feature_2"]))
    pipeline = logistic_or_boosting(1).set_params(**parameters).fit(table[NAMES], labels)
    folder: Path = tmp_path_factory.mktemp("model") / "files"
    digest = write_model(folder, pipeline, NAMES)
    version = ModelVersion("main.platform.m", 1, str(folder), digest, date(2026, 1, 1), date(2026, 1, 1), "run")
    return load_verified(read_files(folder), version)


@pytest.fixture(scope="module")
def scores(model: LoadedModel) -> np.ndarray:
    return model.score(rows())


def test_days_scored_one_by_one_have_the_scores_of_the_range(model: LoadedModel, scores: np.ndarray) -> None:
    by_day = [model.score(part) for _, part in rows().groupby("day")]
    np.testing.assert_array_equal(np.concatenate(by_day), scores)


def test_a_row_alone_has_its_score_of_the_batch(model: LoadedModel, scores: np.ndarray) -> None:
    table = rows()
    alone = [model.score(table.iloc[[number]])[0] for number in range(0, ROWS, 100)]
    np.testing.assert_array_equal(alone, scores[::100])


def test_the_order_of_rows_and_columns_changes_no_score(model: LoadedModel, scores: np.ndarray) -> None:
    order = np.random.default_rng(5).permutation(ROWS)
    mixed = rows()[["user_id", *reversed(NAMES), "day"]].iloc[order]
    np.testing.assert_array_equal(model.score(mixed), scores[order])
