"""The declared models and their registry, as commands ask for them; a wrong name is told with the nearest one."""

from typing import TYPE_CHECKING, Annotated

import typer

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.yaml_lines import nearest
from platform_assets.trained_models.specs import all_specs
from resources.settings import Settings

if TYPE_CHECKING:
    from resources.model_registry.model_version import ModelVersion
    from resources.model_registry.registry import ModelRegistry

ModelName = Annotated[str, typer.Argument(help="Name of a declared model, e.g. `conversion`.")]


class NoSuchModel(PlatformError):
    """A model is asked for that nobody declared."""


def declared_model(name: str) -> ModelSpec:
    """The spec of that name. Raises NoSuchModel with the nearest one."""
    known = {spec.name: spec for spec in all_specs()}
    if name not in known:
        raise NoSuchModel(
            f"no model is named {name}{nearest(name, known)}",
            where="platform models",
            todo=f"ask for {', '.join(sorted(known))}",
        )
    return known[name]


def registry_of(settings: Settings) -> "ModelRegistry":
    """The registry that the settings name."""
    from resources.model_registry.registry import ModelRegistry

    return ModelRegistry(settings.tracking_uri, settings.model_files_root)


def roles(champion: "ModelVersion | None", challenger: "ModelVersion | None", version: "ModelVersion") -> str:
    """What a version is now: champion, challenger, both or neither."""
    named = {"champion": champion, "challenger": challenger}
    return ", ".join(role for role, holder in named.items() if holder == version)
