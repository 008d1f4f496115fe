"""A platform whose one model can't be fitted for as long as the file HOLD exists; it says that it began in BEGUN."""

import os
import time
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets_tests.model_worlds import logistic
from platform_assets_tests.self_training import SelfTraining

HOME = Path(os.environ.get("DAGSTER_HOME", "/nonexistent/dagster")).parent


def held_logistic(seed: int) -> Any:
    """A small pipeline, once nothing holds it any more."""
    if (HOME / "hold").exists():
        (HOME / "begun").touch()
    while (HOME / "hold").exists():
        time.sleep(0.05)
    return logistic(seed)


def training_in(home: Path, instance: dg.DagsterInstance) -> SelfTraining:
    """The platform below a folder."""
    return SelfTraining.at(home, instance, estimator=held_logistic)


# The instance is only asked by those who run assets themselves; `dagster dev` has its own.
defs = training_in(HOME, dg.DagsterInstance.ephemeral()).definitions
