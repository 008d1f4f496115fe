"""`<model>_model` of an imported model: made by `platform models import`, shown in its place."""

import dagster as dg

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.table_asset import stage_of


def imported_model_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """The place of the model in the graph; nothing here computes it."""
    return dg.AssetsDefinition(
        specs=[
            dg.AssetSpec(
                spec.table("model"),
                description=f"{spec.description.strip()}\n\nTrained elsewhere; its versions come by "
                f"`platform models import {spec.name}`, checked and compared with the system they come from.",
                group_name=stage_of(__name__),
                kinds={"mlflow"},
                owners=[spec.owner],
            )
        ]
    )
