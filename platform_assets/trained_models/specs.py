"""Which models exist: every `ModelSpec` and `Lookalike` that a module of this package declares, one file a model."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import ModelSpec


def all_specs() -> tuple[ModelSpec, ...]:
    """The specs in the order of their names. A new file with a spec is found; nothing else must be edited."""
    found: dict[str, ModelSpec] = {}
    for module, value in _declared():
        spec = value.model if isinstance(value, Lookalike) else value
        if isinstance(spec, ModelSpec) and found.setdefault(spec.name, spec) is not spec:
            raise ConfigurationError(f"two models are named {spec.name!r}", where=module, todo="give one another name")
    return tuple(found[name] for name in sorted(found))


def all_lookalikes() -> tuple[Lookalike, ...]:
    """Those of the models by which a seed audience is expanded, in the order of their names."""
    found = {value.model.name: value for _, value in _declared() if isinstance(value, Lookalike)}
    return tuple(found[name] for name in sorted(found))


def _declared() -> Iterator[tuple[str, Any]]:
    """What the modules of this package hold: the module's name and the value."""
    package = importlib.import_module(__package__ or "platform_assets.trained_models")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            yield module.name, value
