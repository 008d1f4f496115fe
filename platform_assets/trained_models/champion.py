"""`<model>_champion`: the decision whether the challenger becomes champion, written down with its reason."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.model_tables import champion_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.table_asset import NOT_REPLAYABLE, table_asset
from platform_assets.trained_models.gate import judge
from resources.model_registry.model_version import ModelNotFound, ModelVersion
from resources.model_registry.resource import ModelRegistryResource

if TYPE_CHECKING:
    from platform_assets.domain.promotion.decision import Decision
    from resources.model_registry.registry import ModelRegistry


def champion_asset(spec: ModelSpec, training_set_contract: Contract) -> dg.AssetsDefinition:
    """The promotion of `spec`: unpartitioned, because there is one champion at a time."""
    contract = champion_contract(spec)

    @table_asset(
        contract,
        ins={"training_set": dg.AssetIn(spec.table("training_set"))},
        deps=[spec.table("model")],
        kinds=frozenset({"deltalake", "mlflow"}),
        declared=spec.fingerprint,
        metadata={
            NOT_REPLAYABLE: "a verdict moves the champion in the registry; replay the training set that it rests on"
        },
    )
    def promote(
        context: dg.AssetExecutionContext, training_set: ibis.Table, model_registry: ModelRegistryResource
    ) -> ibis.Table:
        """The last verdict: a challenger becomes champion only if it is shown to be better on later days.

        Both are scored on the challenger's held-out days; a first champion must beat the baselines. The lower end of
        the paired 95 % interval of the metric's difference must exceed the spec's margin. A challenger is also refused
        for worse calibration, a slice that falls, files that aren't those registered, a signature that the rows don't
        keep, or inputs that hold personal data. A repeated question gets no new verdict.
        """
        from platform_assets.domain.promotion.decision import champion_row

        registry = model_registry.registry
        challenger, champion = _challenger(registry, spec), registry.champion(spec.name)
        decision = _settled(registry, spec, challenger, champion)
        if decision is None:
            rows = training_set.filter(training_set.training_date == challenger.training_date).to_pandas()
            before = None if champion == challenger else champion
            verdict = judge(registry, spec, training_set_contract, rows, challenger, before)
            decision = registry.record_verdict(challenger, verdict, run_id=context.run_id)
        context.log.info(decision.verdict.reason)
        context.add_output_metadata(_told(spec, decision))
        return ibis.memtable(champion_row(decision, contract), schema=contract.schema())

    return promote


def gate_check(spec: ModelSpec) -> dg.AssetChecksDefinition:
    """A check that warns when the last challenger was refused; the champion stays, so nothing is stopped."""

    @dg.asset_check(
        asset=spec.table("champion"),
        name="gate_passed",
        description="The last challenger is champion. Where it was refused, the champion before goes on scoring.",
    )
    def gate_passed(model_registry: ModelRegistryResource) -> dg.AssetCheckResult:
        registry = model_registry.registry
        challenger = _challenger(registry, spec)
        decision = next(each for each in reversed(registry.decisions(spec.name)) if each.version == challenger.version)
        return dg.AssetCheckResult(
            passed=decision.makes_champion,
            severity=dg.AssetCheckSeverity.WARN,
            description=decision.verdict.reason,
            metadata={"version": decision.version, "objections": list(decision.verdict.objections)},
        )

    return gate_passed


def _told(spec: ModelSpec, decision: "Decision") -> dict[str, Any]:
    """What the UI says of a decision: the reason, figures to plot over time, the picture of what was compared."""
    from platform_assets.domain.drawing import as_markdown
    from platform_assets.domain.promotion.verdict_picture import verdict_picture

    verdict = decision.verdict
    what = "champion" if decision.makes_champion else "refused"
    picture = verdict_picture(verdict, spec.promotion, f"{spec.name} version {decision.version}: {what}")
    shown = {"verdict": dg.MetadataValue.md(as_markdown(picture, "what was compared"))} if picture else {}
    facts = {"promoted": decision.makes_champion, "reason": verdict.reason, "decision": decision.decision}
    return {**facts, **shown, "objections": list(verdict.objections), **verdict.numbers}


def _challenger(registry: "ModelRegistry", spec: ModelSpec) -> ModelVersion:
    challenger = registry.challenger(spec.name)
    if challenger is None:
        raise ModelNotFound(
            "there is no challenger to judge",
            where=registry.registered_name(spec.name),
            todo=f"materialise {spec.table('model')} first",
        )
    return challenger


def _settled(
    registry: "ModelRegistry", spec: ModelSpec, challenger: ModelVersion, champion: ModelVersion | None
) -> "Decision | None":
    """The decision that made the challenger champion, where it is."""
    if champion != challenger:
        return None
    made = [each for each in registry.decisions(spec.name) if each.makes_champion]
    return made[-1] if made and made[-1].version == challenger.version else None
