"""`@table_asset`: a function that returns an Ibis table, plus a contract, becomes an asset of the lakehouse.

Everything a table asset has in common is decided here: its place in the graph, what the UI says of it, one writer
at a time, ranges in one run, and a code version that follows the code. What a table is stands in its stage's module.
"""

import ast
import functools
import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import ibis

from platform_assets.domain.contracts.contract import Contract
from resources.lakehouse.data_versions import DESCRIBED_BY_IO_MANAGER
from resources.lakehouse.io_manager import ContractedTable, Evidence
from resources.lakehouse.publication_metadata import column_schema
from resources.lakehouse.slicing import slicing_for

LAKEHOUSE = "lakehouse"
"""Key of the IO manager resource."""

NOT_REPLAYABLE = "platform/not_replayable"
"""Metadata of a table whose computation changes more than the table: the reason why it can't just be computed again."""


def table_asset(
    contract: Contract,
    *,
    partitions_def: dg.PartitionsDefinition | None = None,
    ins: Mapping[str, dg.AssetIn] | None = None,
    deps: Sequence[dg.AssetDep | str] = (),
    kinds: frozenset[str] = frozenset({"deltalake", "duckdb"}),
    metadata: Mapping[str, Any] | None = None,
    declared: str = "",
    automation: dg.AutomationCondition | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., ibis.Table | tuple[ibis.Table, Evidence]]], dg.AssetsDefinition]:
    """Make an asset named for the contract, in the group of the function's stage folder.

    A range of partitions runs in one step and is published in one commit. A function that returns a pair gives, after
    publication, further metadata by partition key: its second part is called then. `declared` is what else decides the
    result beside code and inputs (a source's declaration, a model's spec): the code version follows it. `automation`
    says when it is computed by itself (None: when a sensor or somebody asks), `freshness` by when it is due.
    """

    slicing_for(contract, partitions_def)  # refuses here what could not be exact later

    def decorate(compute: Callable[..., ibis.Table | tuple[ibis.Table, Evidence]]) -> dg.AssetsDefinition:
        @functools.wraps(compute)
        def with_contract(*args: Any, **kwargs: Any) -> dg.Output[ContractedTable]:
            result = compute(*args, **kwargs)
            expression, evidence = result if isinstance(result, tuple) else (result, None)
            return dg.Output(ContractedTable(expression, contract, evidence), metadata=DESCRIBED_BY_IO_MANAGER)

        with_contract.contract = contract  # type: ignore[attr-defined]
        with_contract.__annotations__ = {**compute.__annotations__, "return": dg.Output[ContractedTable]}
        with_contract.__signature__ = inspect.signature(compute).replace(  # type: ignore[attr-defined]
            return_annotation=dg.Output[ContractedTable]
        )
        return dg.asset(
            name=contract.name,
            group_name=stage_of(compute.__module__),
            description=_description(compute, contract),
            partitions_def=partitions_def,
            backfill_policy=dg.BackfillPolicy.single_run(),
            ins=ins,
            deps=deps,
            kinds=set(kinds),
            owners=[contract.owner],
            code_version=code_version(compute.__module__, declared),
            io_manager_key=LAKEHOUSE,
            pool=f"write_{contract.name}",
            automation_condition=automation,
            freshness_policy=freshness,
            metadata={
                "dagster/column_schema": column_schema(contract),
                "dagster/table_name": contract.name,
                **(metadata or {}),
            },
        )(with_contract)

    return decorate


def contract_of(definition: dg.AssetsDefinition) -> Contract | None:
    """The contract of a table asset, None for any other asset."""
    compute = getattr(definition.node_def, "compute_fn", None) if definition.is_executable else None
    contract = getattr(getattr(compute, "decorated_fn", None), "contract", None)
    return contract if isinstance(contract, Contract) else None


def stage_of(module: str) -> str:
    """The stage folder of a module of this package: the asset's group."""
    return module.split(".")[1]


def _description(compute: Callable[..., Any], contract: Contract) -> str:
    return inspect.cleandoc(compute.__doc__) if compute.__doc__ else contract.description


@functools.cache
def code_version(module: str, declared: str = "") -> str:
    """Digest of a module's source, of every module of this package that it imports, directly or not, and of `declared`.

    It changes when, and only when, code or configuration that could change the result changes. Sources are read,
    never imported: a step's heavy packages must not be loaded to name its version.
    """
    sources: dict[str, bytes] = {}
    _collect_sources(module, sources)
    digest = hashlib.sha256(declared.encode())
    for name in sorted(sources):
        digest.update(sources[name])
    return digest.hexdigest()[:12]


def _collect_sources(name: str, sources: dict[str, bytes]) -> None:
    if name in sources:
        return
    sources[name], imported = _source_and_imports(name)
    for module in imported:
        _collect_sources(module, sources)


@functools.cache
def _source_and_imports(name: str) -> tuple[bytes, frozenset[str]]:
    """A module's source and the modules of this package that it names in its imports, wherever they stand."""
    found = importlib.util.find_spec(name)
    source = Path(found.origin).read_bytes() if found and found.origin else b""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module)
    return source, frozenset(module for module in imported if module.startswith("platform_assets."))
