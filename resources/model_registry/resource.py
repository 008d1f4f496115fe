"""The Dagster shell around `ModelRegistry`: configuration only. Importing it imports no MLflow."""

from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

if TYPE_CHECKING:
    from resources.model_registry.registry import ModelRegistry


class ModelRegistryResource(dg.ConfigurableResource):
    """The model registry, by its address and the place of its files.

    `pinned_champions` (model name → version) answers "who is champion" as it was at an earlier time.
    """

    tracking_uri: str
    artifact_root: str
    prefix: str = "main.platform"
    pinned_champions: dict[str, int] = Field(default_factory=dict)

    @cached_property
    def registry(self) -> "ModelRegistry":
        """The client; it connects when it is first used."""
        from resources.model_registry.registry import ModelRegistry

        return ModelRegistry(
            self.tracking_uri, self.artifact_root, prefix=self.prefix, pinned_champions=self.pinned_champions
        )
