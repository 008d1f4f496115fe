"""What the registry knows: versions, aliases, tags, figures and decisions, and models loaded from verified files.

Everything here only reads; what changes the registry stands in `registry`.
"""

import json
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from platform_assets.domain.promotion.decision import Decision
from platform_assets.domain.promotion.verdict import Verdict
from resources.model_registry.connection import MlflowConnection
from resources.model_registry.decision_log import read_decisions
from resources.model_registry.embedding_files import LoadedEmbedding, load_verified_embedding
from resources.model_registry.imported.imported_files import is_import, load_verified_import
from resources.model_registry.model_files import LoadedModel, digest_of, load_verified, read_files
from resources.model_registry.model_version import ModelNotFound, ModelVersion

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as StoredVersion

CHALLENGER, CHAMPION = "challenger", "champion"


def pin_of_date(model: str, training_date: date) -> str:
    """The key under which the version of a training date is pinned, and recorded among a step's input models."""
    return f"{model}@{training_date}"


class RegisteredModels:
    """The models of one MLflow store.

    `tracking_uri` is a `sqlite:///` file or a server's address, `artifact_root` the folder or object store where runs
    and model files lie, `prefix` the first two levels of every registered name. `pinned_champions` (model name →
    version) stand for the champions of an earlier time, `<model>@<training date>` for the version of that date.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifact_root: str,
        *,
        prefix: str = "main.platform",
        pinned_champions: Mapping[str, int] | None = None,
    ) -> None:
        self.tracking_uri, self.artifact_root, self.prefix = tracking_uri, artifact_root.rstrip("/"), prefix
        self._pinned_champions = pinned_champions or {}
        self._connection = MlflowConnection(tracking_uri)

    def registered_name(self, model: str) -> str:
        """The three-level name of a spec's model."""
        return f"{self.prefix}.{model}"

    def challenger(self, model: str) -> ModelVersion | None:
        """The latest trained version, to be judged; it keeps the alias when it becomes champion."""
        with self._connection.reach():
            return self._by_alias(model, CHALLENGER)

    def champion(self, model: str) -> ModelVersion | None:
        """The version that scores, None before the first promotion."""
        if model in self._pinned_champions:
            return self.version(model, self._pinned_champions[model])
        with self._connection.reach():
            return self._by_alias(model, CHAMPION)

    def require_champion(self, model: str) -> ModelVersion:
        """The version that scores; raises `ModelNotFound` before the first promotion."""
        champion = self.champion(model)
        if champion is None:
            raise ModelNotFound(
                "no version is champion",
                where=self.registered_name(model),
                todo=f"materialise {model}_model and {model}_champion, and read the verdict's reason",
            )
        return champion

    def version(self, model: str, number: int) -> ModelVersion:
        """One version by its number."""
        from mlflow.exceptions import MlflowException

        with self._connection.reach():
            try:
                return travelling(self._connection.client.get_model_version(self.registered_name(model), str(number)))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise ModelNotFound(
                    f"there is no version {number}",
                    where=self.registered_name(model),
                    todo=f"list the versions: platform models list {model}",
                ) from error

    def trained_on(self, model: str, training_date: date) -> ModelVersion | None:
        """The newest version that was trained as of a date, or the one pinned as `<model>@<date>`."""
        if (pinned := self._pinned_champions.get(pin_of_date(model, training_date))) is not None:
            return self.version(model, pinned)
        with self._connection.reach():
            return self._matching(model, {"training_date": training_date.isoformat()}, newest=True)

    def versions(self, model: str) -> list[ModelVersion]:
        """Every registered version, oldest first; none where the model was never trained."""
        with self._connection.reach() as client:
            stored = client.search_model_versions(f"name = '{self.registered_name(model)}'")
            return sorted(map(travelling, stored), key=lambda version: version.version)

    def tags(self, version: ModelVersion) -> Mapping[str, str]:
        """All that is written to a version: digests, days, run, code and input versions, the verdict."""
        with self._connection.reach() as client:
            return client.get_model_version(version.name, str(version.version)).tags

    def metrics(self, version: ModelVersion) -> Mapping[str, float]:
        """All figures logged with a version's training: `holdout_<metric>` with `_low` and `_high`, counts of rows."""
        with self._connection.reach() as client:
            return client.get_run(version.run_id).data.metrics

    def card(self, version: ModelVersion) -> str:
        """The model card, as markdown."""
        with self._connection.reach() as client:
            return client.get_model_version(version.name, str(version.version)).description or ""

    def verified(self, version: ModelVersion) -> bool:
        """Whether the files are those that were registered."""
        return digest_of(self._files(version)) == version.digest

    def recorded_verdict(self, version: ModelVersion) -> Verdict | None:
        """The last verdict on a version."""
        tag = self.tags(version).get("verdict")
        return Verdict.from_json(json.loads(tag)) if tag else None

    def is_rolled_back(self, version: ModelVersion) -> bool:
        """Whether somebody took the version out of service; it is not promoted again."""
        return "rolled_back_to" in self.tags(version)

    def decisions(self, model: str) -> list[Decision]:
        """Every decision on who is champion, oldest first."""
        with self._connection.reach() as client:
            return read_decisions(client, self.registered_name(model))

    def load(self, version: ModelVersion) -> LoadedModel:
        """The model of a version, after its files were compared with the digest of its registration."""
        files = self._files(version)
        return load_verified_import(files, version) if is_import(files) else load_verified(files, version)

    def load_embedding(self, version: ModelVersion) -> LoadedEmbedding:
        """The embedding of a version, after its files were compared with the digest of its registration."""
        return load_verified_embedding(self._files(version), version)

    def _files(self, version: ModelVersion) -> dict[str, bytes]:
        address = urlparse(version.uri)
        if address.scheme in ("", "file"):
            return read_files(Path(url2pathname(address.path)))
        import mlflow.artifacts

        with self._connection.reach(), tempfile.TemporaryDirectory() as folder:
            path = mlflow.artifacts.download_artifacts(
                artifact_uri=version.uri, dst_path=folder, tracking_uri=self._connection.tracking_uri
            )
            return read_files(Path(path))

    def _by_alias(self, model: str, alias: str) -> ModelVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            return travelling(self._connection.client.get_model_version_by_alias(self.registered_name(model), alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def _matching(self, model: str, tags: Mapping[str, str], *, newest: bool) -> ModelVersion | None:
        versions = self._connection.client.search_model_versions(f"name = '{self.registered_name(model)}'")
        matching = sorted(
            (each for each in versions if tags.items() <= each.tags.items()), key=lambda each: int(each.version)
        )
        return travelling(matching[-1 if newest else 0]) if matching else None


def travelling(stored: "StoredVersion") -> ModelVersion:
    """A stored version as the small value that travels."""
    tags = stored.tags
    try:
        return ModelVersion(
            name=stored.name,
            version=int(stored.version),
            uri=str(stored.source),
            digest=tags["digest"],
            training_date=date.fromisoformat(tags["training_date"]),
            trained_until=date.fromisoformat(tags["trained_until"]),
            run_id=str(stored.run_id),
        )
    except KeyError as error:
        raise ModelNotFound(
            f"it has no tag {error}",
            where=f"{stored.name} version {stored.version}",
            todo="register models by the platform only, so that digest and days are known",
        ) from error
