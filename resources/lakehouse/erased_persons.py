"""The table `erased_persons`: written by an erasure, read whenever landed files are read again."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import ibis

from platform_assets.domain.contracts.erased_persons import ERASED_PERSONS
from platform_assets.domain.erasure import Person, erasure_mark
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.publish import KEY_ID_NOTE, NO_TABLE, publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import INPUT_VERSIONS_NOTE, Lakehouse


def remember_erased(
    lakehouse: Lakehouse,
    engine: Engine,
    person: Person,
    *,
    erasure_id: str,
    erased_at: datetime,
    pseudonym_key_id: str,
    staging_folder: Path,
) -> None:
    """Add a person's marks to the table, so that nothing of them comes back from landed files.

    Raises OtherPseudonymKey where earlier erasures used another key, PublishedMeanwhile where another one was faster.
    """
    rows = [(kind, pseudonym) for kind, pseudonyms in person.pseudonyms.items() for pseudonym in sorted(pseudonyms)]
    new = ibis.memtable(rows, schema={"kind": "string", "pseudonym": "string"})
    instant = ibis.timestamp(erased_at.replace(tzinfo=None))
    marked = new.select(
        mark=erasure_mark(new.pseudonym), kind="kind", erased_at=instant, erasure_id=ibis.literal(erasure_id)
    )
    published = lakehouse.latest(ERASED_PERSONS.name)
    if published is not None:
        known = read(lakehouse, engine, published, None).select(*ERASED_PERSONS.column_names)
        schema = ERASED_PERSONS.schema()
        marked = ibis.union(known.cast(schema), marked.anti_join(known, "mark").cast(schema))
    publish(
        marked,
        ERASED_PERSONS,
        Slicing(None),
        None,
        engine=engine,
        lakehouse=lakehouse,
        staging_folder=staging_folder,
        based_on=published.version if published else NO_TABLE,
        provenance={KEY_ID_NOTE: pseudonym_key_id, INPUT_VERSIONS_NOTE: json.dumps({}), "erasure_id": erasure_id},
    )


def erased_marks(erased: ibis.Table | None) -> Mapping[str, list[str]]:
    """The marks of all erased persons, by kind of identifier; `erased` is the table, None where nobody ever was."""
    marks: dict[str, list[str]] = {}
    if erased is None:
        return marks
    for row in erased.select("kind", "mark").order_by("kind", "mark").to_pyarrow().to_pylist():
        marks.setdefault(row["kind"], []).append(row["mark"])
    return marks
