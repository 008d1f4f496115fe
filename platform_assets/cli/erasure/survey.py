"""What there is of a person before they are erased: other identifiers, models, predictions, landed files.

Rows are found by `resources.lakehouse.person_search`; here is what they mean for what was made of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.erasure import Person
from platform_assets.domain.events import identifiers, received_identifiers
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.pseudonyms import pseudonym
from platform_assets.domain.source import Source
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.person_search import HeldFile, PersonSearch
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse, TableNotPublished
from resources.model_registry.registry import ModelRegistry

LINKED_KINDS = {"cookie": "cookie_id", "device": "device_id"}
"""Kinds that are told beside a login, with the column of `events` they stand in."""


@dataclass(frozen=True)
class LinkedIdentifiers:
    """Pseudonyms that were seen with a login. Those in `shared` were seen with another login, too."""

    own: Mapping[str, frozenset[str]]
    shared: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class AffectedModel:
    """A registered version whose training set held the person. `certain`: the very rows it learnt from were seen."""

    model: str
    version: int
    training_date: str
    certain: bool
    scored_days: tuple[str, ...]


@dataclass(frozen=True)
class AffectedPrediction:
    """Scores that were made from the person's rows. `live`: the latest version of the table holds them."""

    table: str
    day: str
    model: str
    version: int
    rows: int
    live: bool


@dataclass(frozen=True)
class FoundInTable:
    """What one table holds of the person: rows and files of the latest version, and other files."""

    table: str
    rows: int
    files: int
    older_files: int


@dataclass(frozen=True)
class Survey:
    """Who is to be erased, what there is of them, and what was made of it."""

    person: Person
    linked: LinkedIdentifiers
    tables: tuple[FoundInTable, ...]
    models: tuple[AffectedModel, ...]
    predictions: tuple[AffectedPrediction, ...]
    landed_files: Mapping[str, list[str]]
    search: PersonSearch


def found_in_tables(held: Iterable[HeldFile], lakehouse: Lakehouse) -> tuple[FoundInTable, ...]:
    """The tables that hold the person, with counts."""
    by_table: dict[str, list[HeldFile]] = {}
    for each in held:
        by_table.setdefault(each.table, []).append(each)
    found = []
    for table, own in sorted(by_table.items()):
        live = {file.path for file in lakehouse.snapshot(table).files}
        current = [each for each in own if each.file.path in live]
        rows = sum(each.rows or 0 for each in current)
        found.append(FoundInTable(table, rows, len(current), len(own) - len(current)))
    return tuple(found)


def landed_files(held: Iterable[HeldFile]) -> dict[str, list[str]]:
    """Names of the landed files that told of the person, by the table that they were read into."""
    names: dict[str, set[str]] = {}
    for each in held:
        if each.landed_files:
            names.setdefault(each.table.removesuffix(QUARANTINE_SUFFIX), set()).update(each.landed_files)
    return {table: sorted(files) for table, files in sorted(names.items())}


def person_of(engine: Engine, given: Mapping[str, Sequence[str]]) -> Person:
    """The person behind identifiers as received, by kind; pseudonyms are made as for every event."""
    pseudonyms: dict[str, frozenset[str]] = {}
    for kind, values in given.items():
        rows = engine.from_arrow("identifiers", pa.table({"value": pa.array(list(values), pa.string())}))
        hashed = _computed(rows.select(value=pseudonym(kind, rows.value)))
        pseudonyms[kind] = frozenset(each for each in hashed if each is not None)
    return Person({}).with_more(pseudonyms, {value.strip() for each in given.values() for value in each} - {""})


def received_values(lakehouse: Lakehouse, engine: Engine, person: Person, sources: Mapping[str, Source]) -> set[str]:
    """The person's identifiers as the raw tables hold them: how the sources write them."""
    values: set[str] = set()
    for table, source in sources.items():
        snapshot = lakehouse.latest(table)
        if snapshot is None:
            continue
        raw = read(lakehouse, engine, snapshot, None)
        own, received = identifiers(raw, source), received_identifiers(raw, source)
        for kind, wanted in person.pseudonyms.items():
            if wanted:
                theirs = raw.filter(own[kind].isin(sorted(wanted))).select(value=received[kind].strip()).distinct()
                values |= set(_computed(theirs))
    return values - {None}


def linked_identifiers(lakehouse: Lakehouse, engine: Engine, person: Person) -> LinkedIdentifiers:
    """Cookies and devices that `events` saw with the person's login."""
    snapshot, logins = lakehouse.latest(EVENTS.name), sorted(person.pseudonyms.get("login", ()))
    own: dict[str, frozenset[str]] = dict.fromkeys(LINKED_KINDS, frozenset())
    shared = dict(own)
    if snapshot is None or not logins:
        return LinkedIdentifiers(own, shared)
    events = read(lakehouse, engine, snapshot, None)
    for kind, column in LINKED_KINDS.items():
        theirs = events.login_hash.isin(logins).fill_null(False)
        seen = events.filter(theirs & events[column].notnull()).select(column).distinct()
        others = events.filter(events.login_hash.notnull() & ~theirs).semi_join(seen, column).select(column).distinct()
        elsewhere = frozenset(_computed(others))
        own[kind] = frozenset(_computed(seen)) - elsewhere
        shared[kind] = elsewhere
    return LinkedIdentifiers(own, shared)


def affected_models(search: PersonSearch, spec: ModelSpec, registry: ModelRegistry) -> list[AffectedModel]:
    """Versions of a model that learnt from the person, or may have: where their training set can't be read any more."""
    table = spec.table("training_set")
    held = {each.file.path: each for each in search.in_table(table)}
    there = {file.path for file in TableFolder(search.lakehouse, table).files()}
    affected = []
    for version in registry.versions(spec.name):
        date = version.training_date.isoformat()
        noted = registry.tags(version).get(f"delta_version.{table}")
        learnt_from = _files_of(search.lakehouse, table, noted, date)
        certain = bool(learnt_from & held.keys())
        if certain or not learnt_from or not learnt_from <= there:
            days = _scored_days(search, spec, version.version)
            affected.append(AffectedModel(version.name, version.version, date, certain, days))
    return affected


def affected_predictions(held: Iterable[HeldFile], lakehouse: Lakehouse) -> list[AffectedPrediction]:
    """What was scored from the person's rows, in every version of the tables that is still there."""
    found = []
    for each in held:
        live = {file.path for file in lakehouse.snapshot(each.table).files}
        found += [
            AffectedPrediction(
                each.table, str(each.slice_value), model, version, each.rows or 0, each.file.path in live
            )
            for model, version in sorted(each.model_versions)
        ]
    return sorted(found, key=lambda each: (each.table, each.day, each.model, each.version))


def _files_of(lakehouse: Lakehouse, table: str, version: str | None, slice_value: str) -> set[str]:
    """Paths of a partition's files at a noted version; none where it is not known."""
    try:
        snapshot = lakehouse.snapshot(table, int(version)) if version is not None else None
    except TableNotPublished:
        snapshot = None
    return {file.path for file in snapshot.files_of([slice_value])} if snapshot else set()


def _scored_days(search: PersonSearch, spec: ModelSpec, version: int) -> tuple[str, ...]:
    snapshot = search.lakehouse.latest(spec.table("scores"))
    if snapshot is None:
        return ()
    scores = read(search.lakehouse, search.engine, snapshot, None)
    days = scores.filter(scores.model_version == version).select("event_date").distinct().to_pyarrow()
    return tuple(sorted(day.isoformat() for day in days["event_date"].to_pylist()))


def _computed(one_column: ibis.Table) -> list:
    return one_column.to_pyarrow().column(0).to_pylist()
