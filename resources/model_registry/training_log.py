"""How one training is written to MLflow: a run with its figures, the files people read, and the model itself."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training import TrainedModel
from resources.model_registry.model_files import write_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class LoggedTraining:
    """Where a training was written."""

    run_id: str
    model_uri: str
    model_digest: str


def log_training(
    client: "MlflowClient",
    experiment_id: str,
    spec: ModelSpec,
    trained: TrainedModel,
    *,
    card: str,
    picture: bytes,
    tags: Mapping[str, str],
) -> LoggedTraining:
    """Log parameters, metrics, search table, card, picture and model; a training that can't be written ends FAILED."""
    run_name = f"{spec.name} {trained.training_date}"
    run_id = client.create_run(experiment_id, tags=dict(tags), run_name=run_name).info.run_id
    try:
        _log_numbers(client, run_id, spec, trained)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _log_documents(client, run_id, folder / "documents", trained, card, picture)
            digest = write_model(folder / "model", trained.pipeline, spec.features)
            logged = client.create_logged_model(
                experiment_id, name=spec.name, source_run_id=run_id, tags={"digest": digest}
            )
            client.log_model_artifacts(logged.model_id, str(folder / "model"))
        client.finalize_logged_model(logged.model_id, "READY")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return LoggedTraining(run_id=run_id, model_uri=logged.artifact_location, model_digest=digest)


def _log_numbers(client: "MlflowClient", run_id: str, spec: ModelSpec, trained: TrainedModel) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    metrics: dict[str, float] = {
        f"holdout_{name}{suffix}": value
        for name, estimate in trained.metrics.items()
        for suffix, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    }
    metrics |= {"training_rows": trained.rows, "training_positives": trained.positives}
    parameters = {**_spec_parameters(spec), **trained.parameters}
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in parameters.items()],
    )


def _log_documents(
    client: "MlflowClient", run_id: str, folder: Path, trained: TrainedModel, card: str, picture: bytes
) -> None:
    folder.mkdir()
    (folder / "model_card.md").write_text(card, encoding="utf-8")
    (folder / "quality.png").write_bytes(picture)
    trained.search_table.to_csv(folder / "search.csv", index=False)
    client.log_artifacts(run_id, str(folder))


def _spec_parameters(spec: ModelSpec) -> dict[str, Any]:
    names = ("scoring", "folds", "training_window_days", "training_step_days", "holdout_days", "sample_limit", "seed")
    label = f"{spec.label.event_type} within {spec.label.horizon_days} days"
    return {"label": label, "features": len(spec.features), **{name: getattr(spec, name) for name in names}}
