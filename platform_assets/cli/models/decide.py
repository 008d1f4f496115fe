"""`platform models promote` and `rollback`: who is champion is decided by hand, and recorded with who and why."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from platform_assets.cli.dagster_runs import materialize
from platform_assets.cli.models.declared import ModelName, declared_model, registry_of
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings, load_settings

if TYPE_CHECKING:
    from platform_assets.domain.promotion.decision import Decision
    from resources.model_registry.model_version import ModelVersion
    from resources.model_registry.registry import ModelRegistry

Reason = Annotated[str, typer.Option(help="Why, in a sentence; it is recorded.")]
By = Annotated[str, typer.Option(help="Who decides; default: your login name.")]


class NotPromoted(PlatformError):
    """A version can't be made champion by hand. The champion is who it was."""


def promote(
    model: ModelName,
    version: Annotated[int, typer.Argument(min=1, help="The version that becomes champion.")],
    reason: Reason,
    by: By = "",
) -> None:
    """Make a version champion by hand.

    It needn't win the gate's comparison, but files that aren't those registered, a missing signature and inputs that
    hold personal data are still refused. Who decided and why is recorded.

    Example: platform models promote conversion 4 --reason "campaign of May needs the new features"
    """
    settings, spec = load_settings(), declared_model(model)
    registry, why = registry_of(settings), _required(reason)
    found = registry.version(spec.name, version)
    if registry.champion(spec.name) == found:
        raise NotPromoted(f"version {version} is champion already", where=found.name, todo="nothing")
    _refuse_personal_data(registry, spec, found)
    _tell(settings, spec, registry.promote(found, reason=why, decided_by=by or getpass.getuser()))


def roll_back(model: ModelName, reason: Reason, by: By = "") -> None:
    """Make the version that the champion replaced champion again.

    The replaced one is out of service: the gate doesn't promote it any more, `promote` can.

    Example: platform models rollback conversion --reason "scores of iOS are all the same"
    """
    settings, spec = load_settings(), declared_model(model)
    why = _required(reason)
    _tell(
        settings,
        spec,
        registry_of(settings).roll_back(spec.name, reason=why, decided_by=by or getpass.getuser()),
    )


def _required(reason: str) -> str:
    if not reason.strip():
        raise NotPromoted("the reason is empty", where="--reason", todo="say in a sentence why")
    return reason.strip()


def _refuse_personal_data(registry: "ModelRegistry", spec: ModelSpec, version: "ModelVersion") -> None:
    from platform_assets.definitions import defs
    from platform_assets.domain.promotion.gate import personal_data_objections
    from platform_assets.table_asset import contract_of

    contracts = {found.name: found for made in defs.resolve_asset_graph().assets_defs if (found := contract_of(made))}
    objections = personal_data_objections(registry.load(version).features, contracts[spec.table("training_set")])
    if objections:
        raise NotPromoted(objections[0].sentence, where=str(version), todo="train it without these columns")


def _tell(settings: Settings, spec: ModelSpec, decision: "Decision") -> None:
    """Say who is champion now and which scores another version made, and let the table of decisions follow."""
    typer.echo(f"{decision.model_name}: version {decision.version} is champion ({decision.verdict.reason}).")
    days = _scored_by_others(settings, spec, decision.version)
    if days:
        typer.echo(
            f"{len(days)} day(s) of {spec.table('scores')} were scored by another version: {days[0]} to {days[-1]}. "
            f"Materialise these days again if they should follow."
        )
    materialize(settings, ["promotion_decisions"], console=Console(stderr=True))


def _scored_by_others(settings: Settings, spec: ModelSpec, version: int) -> list[str]:
    lakehouse, table = Lakehouse(settings.lake_root), spec.table("scores")
    if not lakehouse.exists(table):
        return []
    rows = read(lakehouse, DuckDBEngine.from_settings(settings), lakehouse.snapshot(table), None)
    days = rows.filter(rows.model_version != version).select("event_date").distinct().to_pyarrow()
    return sorted(str(day) for day in days["event_date"].to_pylist())
