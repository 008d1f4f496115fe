"""Models of a former system: a day of its table, its feature code, and estimators that were trained on both."""

from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from resources.model_registry.imported.importing import TableRows

DAY = date(2026, 2, 1)
TYPES = {
    "event_date": "date",
    "user_id": "string",
    "visits": "int64",
    "value": "float64",
    "country": "string",
    "age": "int64",
}
COLUMNS = ["visits", "value", "age"]

FEATURE_CODE = '''"""Feature code of the former system, with a neighbour that it imports."""

import pandas as pd

from rates import RATES


def build(rows: pd.DataFrame) -> pd.DataFrame:
    made = pd.DataFrame(index=rows.index)
    made["value_per_visit"] = rows["value"] / rows["visits"].clip(lower=1)
    made["rate"] = rows["country"].map(RATES)
    made["place"] = rows["value"].rank(pct=True)
    return made


def shuffled(rows: pd.DataFrame) -> pd.DataFrame:
    return build(rows).assign(user_id=rows["user_id"]).iloc[::-1].iloc[1:]


def nameless(rows: pd.DataFrame) -> pd.DataFrame:
    return build(rows).iloc[1:]
'''
RATES = 'RATES = {"de": 0.1, "fr": 0.25}\n'


def day_rows(rows: int = 120, days: int = 1) -> pd.DataFrame:
    """A table with whole numbers, missing values and texts; users in no order."""
    random = np.random.default_rng(8)
    parts = [
        pd.DataFrame(
            {
                "event_date": date(2026, 2, 1 + number),
                "user_id": random.permutation([f"u{user:04d}" for user in range(rows)]),
                "visits": random.poisson(3, rows),
                "value": random.gamma(2.0, 10.0, rows),
                "country": random.choice(["de", "fr", "it"], rows),
                "age": pd.array(np.where(random.random(rows) < 0.2, np.nan, 40 + number), dtype="Int64"),
            }
        )
        for number in range(days)
    ]
    return pd.concat(parts, ignore_index=True)


def table_rows(frame: pd.DataFrame) -> TableRows:
    """The frame as rows of the published table."""
    schema = ibis.schema(TYPES)
    rows = pa.Table.from_pandas(frame, schema=schema.to_pyarrow(), preserve_index=False)
    return TableRows("user_features", dict(schema.items()), ("user_id",), "event_date", rows)


def labels(frame: pd.DataFrame) -> np.ndarray:
    """Who bought, by a chance that value raises."""
    chance = 1 / (1 + np.exp(1.5 - frame["value"] / 15))
    return (np.random.default_rng(2).random(len(frame)) < chance).astype(int)


def built(frame: pd.DataFrame) -> pd.DataFrame:
    """What the feature code makes, written once more."""
    return pd.DataFrame(
        {
            "value_per_visit": frame["value"] / frame["visits"].clip(lower=1),
            "rate": frame["country"].map({"de": 0.1, "fr": 0.25}),
            "place": frame["value"].rank(pct=True),
        }
    )


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The table's own numbers, as the former system read them."""
    return frame[COLUMNS].astype("float64")


def logistic() -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


def scaled() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=8, random_state=1)


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=12, random_state=1, n_jobs=2)


def calibrated() -> Any:
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(boosting(), cv=2)


def encoding() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["country"]), remainder="passthrough")
    return make_pipeline(encoder, LogisticRegression(max_iter=2000))


def written(folder: Path, name: str, content: str) -> Path:
    """A file of code of the former system."""
    path = folder / name
    path.write_text(content)
    return path
