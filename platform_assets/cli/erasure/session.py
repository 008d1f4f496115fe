"""One erasure from the first look to the proof: in which order it happens, and what is written down of it."""

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from rich.console import Console

from platform_assets.automation.maintenance import oldest_run_in_progress
from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets.cli.erasure.survey import (
    Survey,
    affected_models,
    affected_predictions,
    found_in_tables,
    landed_files,
    linked_identifiers,
    person_of,
    received_values,
)
from platform_assets.definitions import declared_sources
from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.erasure import Person
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.pseudonyms import key_id
from platform_assets.domain.source import Source
from platform_assets.trained_models.specs import all_specs
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.erased_persons import remember_erased
from resources.lakehouse.erasure import ErasedFromTable, Erasure
from resources.lakehouse.person_search import HeldFile, PersonSearch
from resources.lakehouse.publish import refuse_other_key
from resources.lakehouse.store_safety import require_safe_store
from resources.lakehouse.sweeping import stale_staging, sweep_staging
from resources.lakehouse.tables import Lakehouse
from resources.lakehouse.trace_scan import Scan, TraceScanner
from resources.model_registry.registry import ModelRegistry
from resources.settings import Settings


class RunsInProgress(PlatformError):
    """Runs that may have read the person's rows are in progress. Nothing was erased."""


class ErasureSession:
    """Everything that one erasure needs. Call `survey`, then `erase`, then `close`."""

    def __init__(self, settings: Settings, sources: Sequence[Source], key: bytes, console: Console) -> None:
        self.settings, self._console = settings, console
        self.id, self._began = uuid.uuid4().hex, datetime.now(UTC)
        self._lakehouse, self._key_id = Lakehouse(settings.lake_root), key_id(key)
        self._sources = {f"raw_{source.name}": source for source in sources}
        # One thread: every thread of the engine writes files of its own.
        self._engine = DuckDBEngine.from_settings(settings.model_copy(update={"duckdb_threads": 1}), key)
        self._scratch = settings.staging_folder / f"erasure-{self.id}"
        self.report_file = settings.home_folder / "erasures" / f"{self.id}.json"

    @classmethod
    def opened(cls, settings: Settings, console: Console) -> "ErasureSession":
        """A session on the settings' lake. Raises RunsInProgress, ConfigurationError, OtherPseudonymKey."""
        sources = declared_sources(settings)
        key = settings.require_pseudonym_key(only_simulated_data=all(source.simulated for source in sources))
        session = cls(settings, sources, key, console)
        require_safe_store(session._lakehouse, settings.safe_stores_file)
        session._refuse_runs_in_progress()
        for table in session._lakehouse.table_names():
            # Under another key nothing would be found, and everything be said to be erased.
            refuse_other_key(session._lakehouse.snapshot(table), session._key_id)
        return session

    def close(self) -> None:
        """Remove copies of remote files."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def survey(self, given: Mapping[str, Sequence[str]], *, linked: bool) -> Survey:
        """Who the person is and what there is of them; `given` are identifiers as received, by kind."""
        person = person_of(self._engine, given)
        seen_together = linked_identifiers(self._lakehouse, self._engine, person)
        if linked:
            person = person.with_more(seen_together.own, ())
        values = received_values(self._lakehouse, self._engine, person, self._sources)
        ids = self._search(person).user_ids() if self._lakehouse.exists(USER_IDS.name) else ()
        search = self._search(person.with_more({}, values, ids))
        held: list[HeldFile] = []
        for table in search.order():
            own = search.in_table(table)
            held += own
            self._tell(f"{table}: {sum(each.rows or 0 for each in own):,} rows in {len(own)} file(s)")
        registry = ModelRegistry(self.settings.tracking_uri, self.settings.model_files_root)
        specs = [spec for spec in all_specs() if self._lakehouse.exists(spec.table("training_set"))]
        scores = {spec.table("scores") for spec in specs}
        return Survey(
            person=search.person,
            linked=seen_together,
            tables=found_in_tables(held, self._lakehouse),
            models=tuple(each for spec in specs for each in affected_models(search, spec, registry)),
            predictions=tuple(affected_predictions([each for each in held if each.table in scores], self._lakehouse)),
            landed_files=landed_files(held),
            search=search,
        )

    def erase(self, survey: Survey) -> Scan:
        """Erase, and scan what is left. The report is written before anything is removed, and completed afterwards."""
        report = self._report(survey)
        self._write(report)
        self._tell("remembering the erasure, so that landed files bring nobody back")
        remember_erased(
            self._lakehouse,
            self._engine,
            survey.person,
            erasure_id=self.id,
            erased_at=self._began,
            pseudonym_key_id=self._key_id,
            staging_folder=self.settings.staging_folder,
        )
        erasure = Erasure(self.id, survey.search, self._contracts(), self.settings.staging_folder, self._began)
        erased: list[ErasedFromTable] = []
        for done in erasure.erase():
            erased.append(done)
            self._tell(f"{done.table}: {sum(done.rows.values()):,} rows erased, {done.files_deleted} file(s) deleted")
        sweep_staging(stale_staging(self.settings.staging_folder, self._began))
        scan = self._scan(survey.person)
        self._write(
            report
            | {
                "erased": [
                    {"table": each.table, "rows": sum(each.rows.values()), "files_deleted": each.files_deleted}
                    for each in erased
                ],
                "scanned_files": scan.files,
                "scanned_bytes": scan.bytes,
                "traces": [str(trace) for trace in scan.traces],
                "finished_at": datetime.now(UTC).isoformat(),
            }
        )
        return scan

    def _scan(self, person: Person) -> Scan:
        """Every byte of the lake, of what lies in staging, and of what Dagster and MLflow keep below the home."""
        scanner, home = TraceScanner(person, self._scratch), self.settings.home_folder
        self._tell("scanning every byte")
        scan = scanner.lakehouse(self._lakehouse, self._sources.get)
        for folder in (self.settings.staging_folder, home / "dagster", home / "logs", home / "mlflow"):
            if folder.is_dir():
                scan = scan.and_of(scanner.folder(folder))
        return scan

    def _search(self, person: Person) -> PersonSearch:
        return PersonSearch(self._lakehouse, self._engine, person, self._sources, self._scratch)

    def _contracts(self) -> dict[str, Contract]:
        """Contracts of the tables whose publications note more than their columns."""
        return {contract.name: contract for contract in (EVENTS, *(s.raw_contract() for s in self._sources.values()))}

    def _report(self, survey: Survey) -> dict[str, Any]:
        """What is kept of an erasure: pseudonyms, and no identifier as received."""
        return {
            "erasure_id": self.id,
            "began_at": self._began.isoformat(),
            "pseudonyms": _sorted(survey.person.pseudonyms),
            "user_ids": sorted(survey.person.user_ids),
            "linked": _sorted(survey.linked.own),
            "linked_to_others_as_well": _sorted(survey.linked.shared),
            "found": [asdict(each) for each in survey.tables],
            "models": [asdict(each) for each in survey.models],
            "predictions": [asdict(each) for each in survey.predictions],
            "landed_files": survey.landed_files,
        }

    def _write(self, report: Mapping[str, Any]) -> None:
        self.report_file.parent.mkdir(parents=True, exist_ok=True)
        self.report_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    def _tell(self, sentence: str) -> None:
        self._console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    def _refuse_runs_in_progress(self) -> None:
        os.environ.update(prepare_instance(self.settings))
        with dg.DagsterInstance.get() as instance:
            oldest = oldest_run_in_progress(instance)
        if oldest is not None:
            raise RunsInProgress(
                f"a run that began at {oldest:%Y-%m-%d %H:%M} UTC may publish again what it has read",
                where="Dagster instance",
                todo="wait for it or end it (`platform recover` closes dead runs), then erase",
            )


def _sorted(by_kind: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    return {kind: sorted(pseudonyms) for kind, pseudonyms in by_kind.items() if pseudonyms}
