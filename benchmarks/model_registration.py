"""What it costs to register a model beside training it: the record, the card and the picture, on MLflow with sqlite."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import Section
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training import train
from platform_assets.trained_models.conversion import CONVERSION
from platform_assets.trained_models.model import describe
from resources.model_registry.model_files import write_model
from resources.model_registry.provenance import provenance_tags
from resources.model_registry.registry import ModelRegistry

TRAINED, PERSONS, REGISTRATIONS = date(2026, 3, 1), 2_000, 9


@dataclass(frozen=True)
class _Spent:
    seconds: float
    cpu_seconds: float


def measure(scratch: Path) -> Section:
    """Trains `conversion` once, registers it as of several days, and takes the median."""
    from resources.lakehouse.tables import Lakehouse

    folder = scratch / "model_registration"
    shutil.rmtree(folder, ignore_errors=True)
    rows = _rows(CONVERSION)
    trained, training = _timed(lambda: train(rows, CONVERSION, TRAINED))
    shown, described = _timed(lambda: describe(rows, CONVERSION, trained, {}))
    tags = provenance_tags(Lakehouse(str(folder / "lake")), {})
    registry = ModelRegistry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))

    def register(number: int) -> Any:
        later = replace(trained, training_date=TRAINED + timedelta(days=number))
        return registry.register(CONVERSION, later, card=shown.card, picture=shown.picture, tags=tags)

    register(0)  # imports MLflow and makes the tables of its store
    registered = [_timed(lambda number=number: register(number))[1] for number in range(1, REGISTRATIONS + 1)]
    files = [
        _timed(
            lambda number=number: write_model(folder / f"files{number}", trained.pipeline, CONVERSION.feature_names)
        )[1]
        for number in range(3)
    ]
    parts = {
        "training: search, fit, holdout with intervals": training,
        "card and picture: importance, slices, four panels": described,
        "registration, median": _median(registered),
        "of which the model's files": _median(files),
    }
    return Section(
        title="Registering a model",
        command="python -m benchmarks model_registration",
        method=f"`conversion` trained on {len(rows):,} simulated rows of {PERSONS:,} persons and "
        f"{len(CONVERSION.feature_names)} columns, then registered as of {REGISTRATIONS} training dates after a first "
        "one that imports MLflow; MLflow on sqlite, files in a folder.",
        header=("part", "seconds", "CPU seconds"),
        rows=[(name, f"{each.seconds:.2f}", f"{each.cpu_seconds:.2f}") for name, each in parts.items()],
        notes=["Required: registration at most 0.5 s beyond training. Seconds include waiting for other work."],
        figures={name: vars(each) for name, each in parts.items()},
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, _Spent]:
    began, cpu = time.monotonic(), time.process_time()
    result = work()
    return result, _Spent(time.monotonic() - began, time.process_time() - cpu)


def _median(spent: list[_Spent]) -> _Spent:
    return _Spent(median(each.seconds for each in spent), median(each.cpu_seconds for each in spent))


def _rows(spec: ModelSpec) -> pd.DataFrame:
    random, days = np.random.default_rng(1), spec.feature_days(TRAINED)
    size = PERSONS * len(days)
    table = pd.DataFrame(random.poisson(2.0, (size, len(spec.feature_names))), columns=list(spec.feature_names))
    chance = 1 / (1 + np.exp(4 - table.iloc[:, 0] * 0.5 - table.iloc[:, 1] * 0.3))
    return table.assign(
        training_date=TRAINED,
        feature_date=np.repeat(np.array(days, dtype=object), PERSONS),
        user_id=np.tile([f"u{number}" for number in range(PERSONS)], len(days)),
        label=(random.random(size) < chance).astype("int8"),
    )
