"""Which models exist: every `ModelSpec` that a module of this package declares, one file a model."""

import importlib
import pkgutil

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.model_spec import ModelSpec


def all_specs() -> tuple[ModelSpec, ...]:
    """The specs in the order of their names. A new file with a spec is found; nothing else must be edited."""
    package = importlib.import_module(__package__ or "platform_assets.trained_models")
    found: dict[str, ModelSpec] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, ModelSpec) and found.setdefault(value.name, value) is not value:
                raise ConfigurationError(
                    f"two models are named {value.name!r}", where=module.name, todo="give one another name"
                )
    return tuple(found[name] for name in sorted(found))
