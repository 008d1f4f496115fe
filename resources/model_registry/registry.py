"""`ModelRegistry`, a plain client: registers trained models in MLflow, moves aliases, loads verified versions.

Whatever it does can be killed at any point and done again: a version exists when all of it is written, an alias moves
last. Its Dagster shell is `resource`; how a training is written stands in `training_log`, model files in `model_files`.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.embeddings.spec import EmbeddingSpec
from platform_assets.domain.embeddings.training import TrainedEmbedding
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.training import TrainedModel
from platform_assets.domain.promotion.decision import BY_HAND, GATE, PROMOTED, REFUSED, ROLLED_BACK, Decision
from platform_assets.domain.promotion.verdict import Verdict
from resources.lakehouse.disk import full_disk_is_named
from resources.model_registry.connection import exists_already
from resources.model_registry.decision_log import append_decision
from resources.model_registry.model_version import ModelNotFound, ModelVersion
from resources.model_registry.registered_models import CHALLENGER, CHAMPION, RegisteredModels, travelling
from resources.model_registry.training_log import (
    TrainingRecord,
    log_training,
    record_of_embedding,
    record_of_model,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


class ModelRegistry(RegisteredModels):
    """The models of one MLflow store, and who of them is challenger and champion."""

    def register(
        self,
        spec: ModelSpec,
        trained: TrainedModel,
        *,
        card: str,
        picture: bytes,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Log a training and register its model as the challenger.

        The same training registered again (same digest, same training date) is the version that exists already. An
        older training date than the challenger's gets a version, but not the alias.
        """
        return self._register(record_of_model(spec, trained, card, picture), tags or {})

    def register_embedding(
        self, spec: EmbeddingSpec, trained: TrainedEmbedding, *, card: str, tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Log a training and register its embedding, under the rules of `register`."""
        return self._register(record_of_embedding(spec, trained, card), tags or {})

    def register_import(
        self, record: TrainingRecord, *, tags: Mapping[str, str], comparison: str, as_challenger: bool
    ) -> ModelVersion:
        """Register a model from elsewhere, under the rules of `register`.

        `comparison` says what became of the comparison with the system it comes from. The latest import decides:
        `as_challenger` gives the alias also to a version that exists already, without it the version loses the alias.
        """
        version = self._register(record, tags, as_challenger=False)
        with self._connection.reach() as client:
            client.set_model_version_tag(version.name, str(version.version), "comparison", comparison)
            if as_challenger:
                self._challenge(client, record.name, version)
            elif self._by_alias(record.name, CHALLENGER) == version:
                client.delete_registered_model_alias(version.name, CHALLENGER)
        return version

    def _register(self, record: TrainingRecord, tags: Mapping[str, str], *, as_challenger: bool = True) -> ModelVersion:
        with self._naming_a_full_disk(), self._connection.reach() as client:
            version = self._first(record) or self._new_version(client, record, tags)
            if as_challenger:
                self._challenge(client, record.name, version)
            return version

    def _challenge(self, client: "MlflowClient", model: str, version: ModelVersion) -> None:
        """Make a version the challenger, unless another was trained as of a later date."""
        current = self._by_alias(model, CHALLENGER)
        if current is None or (current != version and current.training_date <= version.training_date):
            client.set_registered_model_alias(version.name, CHALLENGER, str(version.version))

    def _new_version(self, client: "MlflowClient", record: TrainingRecord, tags: Mapping[str, str]) -> ModelVersion:
        tags = {**tags, **record.identity}
        logged = log_training(client, self._experiment(record), record, tags)
        stored = client.create_model_version(
            self.registered_name(record.name),
            source=logged.model_uri,
            run_id=logged.run_id,
            model_id=logged.model_id,  # a server refuses files of its own disk that belong to no model it knows
            description=record.documents["model_card.md"].decode(),
            tags={**tags, "digest": logged.model_digest},
        )
        version = travelling(stored)
        # MLflow has no lock. Whoever registers the same training at the same time sees the lower number and gives way.
        first = self._first(record) or version
        if first.version < version.version:
            client.delete_model_version(version.name, str(version.version))
            return first
        return version

    def record_verdict(self, version: ModelVersion, verdict: Verdict, *, run_id: str | None = None) -> Decision:
        """Record the gate's verdict on a version; a promoted one becomes champion."""
        with self._connection.reach() as client:
            client.set_model_version_tag(
                version.name, str(version.version), "verdict", json.dumps(verdict.as_json(), sort_keys=True)
            )
            kind = PROMOTED if verdict.promoted else REFUSED
            return self._decide(client, version, kind, verdict, GATE, run_id)

    def promote(self, version: ModelVersion, *, reason: str, decided_by: str) -> Decision:
        """Make a version champion by hand. Raises ModelTampered and its like where its files can't be trusted."""
        self.load(version)
        with self._connection.reach() as client:
            if self.is_rolled_back(version):
                client.delete_model_version_tag(version.name, str(version.version), "rolled_back_to")
            return self._decide(client, version, BY_HAND, Verdict(True, reason), decided_by)

    def roll_back(self, model: str, *, reason: str, decided_by: str) -> Decision:
        """Make the version that the champion replaced champion again, and keep the replaced one out.

        Raises ModelNotFound where no earlier champion is left, ModelTampered where its files were changed.
        """
        champion = self.require_champion(model)
        before = self._replaced(champion, model)
        self.load(before)
        with self._connection.reach() as client:
            client.set_model_version_tag(champion.name, str(champion.version), "rolled_back_to", str(before.version))
            return self._decide(client, before, ROLLED_BACK, Verdict(True, reason), decided_by)

    def _decide(
        self,
        client: "MlflowClient",
        version: ModelVersion,
        kind: str,
        verdict: Verdict,
        decided_by: str,
        run_id: str | None = None,
    ) -> Decision:
        """Record a decision, then do it: who is champion has a decision that says why."""
        before = self._by_alias(version.name.removeprefix(f"{self.prefix}."), CHAMPION)
        decision = Decision(
            model_name=version.name,
            version=version.version,
            training_date=version.training_date,
            decision=kind,
            decided_at=datetime.now(UTC),
            decided_by=decided_by,
            champion_before=before.version if before else None,
            verdict=verdict,
            dagster_run_id=run_id,
        )
        recorded = append_decision(client, decision)
        if decision.makes_champion and before != version:
            if kind != ROLLED_BACK:
                replaced = str(before.version) if before else ""
                client.set_model_version_tag(version.name, str(version.version), "replaced_version", replaced)
            client.set_registered_model_alias(version.name, CHAMPION, str(version.version))
        return recorded

    def _replaced(self, champion: ModelVersion, model: str) -> ModelVersion:
        """The champion before a champion, passing over those that were taken out of service."""
        passed = {champion.version}
        tags = self.tags(champion)
        while (number := tags.get("replaced_version")) and int(number) not in passed:
            version = self.version(model, int(number))
            tags = self.tags(version)
            if "rolled_back_to" not in tags:
                return version
            passed.add(version.version)
        raise ModelNotFound(
            f"version {champion.version} replaced no other champion that is still in service",
            where=champion.name,
            todo="train and promote a new version instead",
        )

    def _first(self, record: TrainingRecord) -> ModelVersion | None:
        """The version of this very training, the first one where several try at once."""
        return self._matching(record.name, record.identity, newest=False)

    def _naming_a_full_disk(self) -> AbstractContextManager[None]:
        if "://" in self.artifact_root:
            return nullcontext()
        unchanged = "no version was registered, champion and challenger are what they were"
        return full_disk_is_named(Path(self.artifact_root).expanduser(), unchanged=unchanged)

    def _experiment(self, record: TrainingRecord) -> str:
        """The experiment of a model, made with its registered name when it is trained for the first time."""
        client, name = self._connection.client, self.registered_name(record.name)
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment.experiment_id
        with exists_already():
            client.create_registered_model(name, description=record.description)
        with exists_already():
            return client.create_experiment(name, artifact_location=_as_uri(f"{self.artifact_root}/{record.name}"))
        return self._experiment(record)


def _as_uri(place: str) -> str:
    return place if "://" in place else Path(place).expanduser().absolute().as_uri()
