"""What people see of a model: a picture that fits a dialog, and a card that hides no figure."""

import base64
import struct

import numpy as np
import pytest

from platform_assets.domain.drawing import as_markdown
from platform_assets.domain.modelling.model_card import model_card
from platform_assets.domain.modelling.pictures import quality_picture
from platform_assets.domain.modelling.training import train
from platform_assets_tests.model_worlds import TRAINING_DATE, small_spec, training_rows

SPEC = small_spec()
RANDOM = np.random.default_rng(1)
SCORES = RANDOM.beta(1, 9, 2000)
LABELS = (RANDOM.random(2000) < SCORES).astype(int)


def test_the_picture_is_a_png_900_pixels_wide_and_the_same_each_time() -> None:
    picture = quality_picture(LABELS, SCORES, "conversion")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", picture[16:20]) == (900,)
    assert picture == quality_picture(LABELS, SCORES, "conversion")


@pytest.mark.parametrize("labels", [np.zeros(50), np.ones(50), np.zeros(0)])
def test_one_outcome_or_no_rows_still_give_a_picture(labels: np.ndarray) -> None:
    assert quality_picture(labels, np.full(len(labels), 0.5), "conversion")


def test_markdown_holds_the_picture_itself() -> None:
    assert base64.b64encode(b"picture").decode() in as_markdown(b"picture", "quality")


def test_the_card_names_tables_columns_windows_and_every_metric_with_its_interval() -> None:
    trained = train(training_rows(SPEC), SPEC, TRAINING_DATE)
    card = model_card(SPEC, trained, {"user_features": 4, "events": 9})
    assert "`user_features` version 4" in card
    assert all(f"`{name}`" in card for name in SPEC.feature_names)
    assert str(trained.trained_until) in card
    assert all(f"{each.value:.4f} | {each.low:.4f} to {each.high:.4f}" in card for each in trained.metrics.values())
