"""What is written to the registry of an import: figures, card, the comparison with the former system, the files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version as installed_version

from platform_assets.domain.imported_models.card import ImportedFacts, import_card
from platform_assets.domain.imported_models.comparison import Comparison
from platform_assets.domain.imported_models.comparison_page import comparison_page
from resources.model_registry.imported.imported_files import write_import
from resources.model_registry.imported.importing import Prepared
from resources.model_registry.model_files import digest_of
from resources.model_registry.training_log import TrainingRecord


@dataclass(frozen=True)
class ImportRequest:
    """What the caller says of a model; `trained_until` is the last event day it has seen.

    Where nobody says which days it has seen, it is taken to have seen all until the scored one.
    """

    name: str
    description: str
    owner: str
    origin: str
    trained_until: date
    day: date
    delta_version: int
    until_is_said: bool = True

    @property
    def training_date(self) -> date:
        """The date as of which the gate judges it: the scored day, whose holdout is later than what it has seen."""
        return max(self.day, self.trained_until)


def import_record(request: ImportRequest, prepared: Prepared, comparison: Comparison | None) -> TrainingRecord:
    """The record of an import; its identity is the digest of model, code and manifest."""
    scorer, outputs = prepared.scorer, tuple(prepared.scored.outputs.columns)
    facts = _facts(request, prepared)
    documents = {"model_card.md": import_card(facts, comparison).encode()}
    metrics = {"scored_rows": len(prepared.scored.outputs)}
    if comparison is not None:
        page = comparison_page(comparison, f"{request.name} on {request.day}", facts.notes)
        documents |= {"comparison.html": page.encode(), "comparison.json": json.dumps(asdict(comparison)).encode()}
        metrics |= {"compared_rows": comparison.rows_compared}
        metrics |= {f"differing_{column.name}": column.differing for column in comparison.columns}
    return TrainingRecord(
        name=request.name,
        description=request.description,
        training_date=request.training_date,
        trained_until=request.trained_until,
        digest=digest_of(
            {
                "model": scorer.model,
                "manifest": json.dumps(asdict(scorer.manifest), sort_keys=True).encode(),
                **{f"code/{name}": content for name, content in scorer.code.items()},
            }
        ),
        parameters={"format": scorer.manifest.format, "table": scorer.manifest.table, "inputs": str(len(facts.inputs))},
        metrics={name: float(value) for name, value in metrics.items()},
        documents=documents,
        write=lambda folder: write_import(folder, scorer, outputs),
    )


def import_tags(request: ImportRequest, prepared: Prepared) -> dict[str, str]:
    """Where an imported version comes from: files with digests, whether code of it runs, what it was scored on."""
    opened, hooks = prepared.opened, prepared.scorer.manifest.hooks
    return {
        "imported": "true",
        "origin": request.origin,
        "origin_digests": json.dumps(dict(opened.origin), sort_keys=True),
        "runs_code": " ".join(each for each in (hooks.features, hooks.load, hooks.predict) if each) or "no",
        "converted_from_pickle": "true" if opened.pickle is not None else "false",
        f"delta_version.{prepared.scorer.manifest.table}": str(request.delta_version),
    }


def _facts(request: ImportRequest, prepared: Prepared) -> ImportedFacts:
    manifest, hooks = prepared.scorer.manifest, prepared.scorer.manifest.hooks
    packages: Mapping[str, tuple[str, ...]] = {"onnx": ("onnxruntime",), "skops": ("scikit-learn", "skops"), "code": ()}
    return ImportedFacts(
        name=request.name,
        description=request.description,
        owner=request.owner,
        origin=request.origin,
        trained_until=request.trained_until,
        until_is_said=request.until_is_said,
        table=manifest.table,
        delta_version=request.delta_version,
        day=request.day,
        rows=len(prepared.scored.outputs),
        format=manifest.format,
        inputs=manifest.inputs,
        outputs=tuple(prepared.scored.outputs.columns),
        code={"features": hooks.features, "loader": hooks.load, "predict": hooks.predict},
        digests=prepared.opened.origin,
        packages={name: installed_version(name) for name in packages[manifest.format]},
        isolation=prepared.scored.isolation or prepared.opened.isolation,
        notes=prepared.notes,
    )
