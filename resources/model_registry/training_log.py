"""How one training is written to MLflow: a run with its figures, the files people read, and the model itself."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.training import TrainedEmbedding
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training import TrainedModel
from resources.model_registry.embedding_files import write_embedding
from resources.model_registry.model_files import write_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class TrainingRecord:
    """What is written of one training, whatever was trained. `write` puts its files into a new folder and returns
    their digest; `documents` are the files that people read, by name."""

    name: str
    description: str
    training_date: date
    trained_until: date
    digest: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    documents: Mapping[str, bytes]
    write: Callable[[Path], str]

    @property
    def identity(self) -> dict[str, str]:
        """The tags by which the same training is known again."""
        return {
            "training_digest": self.digest,
            "training_date": self.training_date.isoformat(),
            "trained_until": self.trained_until.isoformat(),
        }


@dataclass(frozen=True)
class LoggedTraining:
    """Where a training was written."""

    run_id: str
    model_id: str
    model_uri: str
    model_digest: str


def record_of_model(spec: ModelSpec, trained: TrainedModel, card: str, picture: bytes) -> TrainingRecord:
    """What is written of a scikit-learn pipeline."""
    metrics: dict[str, float] = {
        f"holdout_{name}{suffix}": value
        for name, estimate in trained.metrics.items()
        for suffix, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    }
    return TrainingRecord(
        name=spec.name,
        description=spec.description,
        training_date=trained.training_date,
        trained_until=trained.trained_until,
        digest=trained.digest,
        parameters={**_spec_parameters(spec), **trained.parameters},
        metrics=metrics | {"training_rows": trained.rows, "training_positives": trained.positives},
        documents={
            "model_card.md": card.encode(),
            "quality.png": picture,
            "search.csv": trained.search_table.to_csv(index=False).encode(),
        },
        write=lambda folder: write_model(folder, trained.pipeline, spec.feature_names),
    )


def record_of_embedding(spec: EmbeddingSpec, trained: TrainedEmbedding, card: str) -> TrainingRecord:
    """What is written of an embedding."""
    return TrainingRecord(
        name=spec.name,
        description=spec.description,
        training_date=trained.training_date,
        trained_until=trained.trained_until,
        digest=trained.digest,
        parameters=spec.parameters,
        metrics={name: float(value) for name, value in trained.figures.items()},
        documents={"model_card.md": card.encode()},
        write=lambda folder: write_embedding(folder, trained.embedding),
    )


def log_training(
    client: "MlflowClient", experiment_id: str, record: TrainingRecord, tags: Mapping[str, str]
) -> LoggedTraining:
    """Log parameters, metrics, documents and model; a training that can't be written ends FAILED."""
    run_name = f"{record.name} {record.training_date}"
    run_id = client.create_run(experiment_id, tags=dict(tags), run_name=run_name).info.run_id
    try:
        _log_numbers(client, run_id, record)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _log_documents(client, run_id, folder / "documents", record)
            digest = record.write(folder / "model")
            logged = client.create_logged_model(
                experiment_id, name=record.name, source_run_id=run_id, tags={"digest": digest}
            )
            client.log_model_artifacts(logged.model_id, str(folder / "model"))
        client.finalize_logged_model(logged.model_id, "READY")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return LoggedTraining(
        run_id=run_id, model_id=logged.model_id, model_uri=logged.artifact_location, model_digest=digest
    )


def _log_numbers(client: "MlflowClient", run_id: str, record: TrainingRecord) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in record.metrics.items()],
        params=[Param(name, str(value)) for name, value in record.parameters.items()],
    )


def _log_documents(client: "MlflowClient", run_id: str, folder: Path, record: TrainingRecord) -> None:
    folder.mkdir()
    for name, content in record.documents.items():
        (folder / name).write_bytes(content)
    client.log_artifacts(run_id, str(folder))


def _spec_parameters(spec: ModelSpec) -> dict[str, Any]:
    names = ("metric", "search", "folds", "window", "holdout_days", "sample_limit", "seed")
    label = f"{spec.label.outcome} within {spec.label.horizon_days} days"
    return {"label": label, "features": len(spec.feature_names), **{name: getattr(spec, name) for name in names}}
