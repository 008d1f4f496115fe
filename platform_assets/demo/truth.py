"""The truth tables beside the simulated files: who the persons are, what is probable, what went wrong and where.

Only tests and reports read them. Each table is one Parquet file, left untouched if nothing changed.

| table | one row is |
|---|---|
| persons | a person: kind, country, activity, interests at the start |
| identifiers | a raw login, cookie, device id or address at home, and the person it belongs to |
| hubs | a raw login, cookie, device id or address that many persons share |
| sites | a site: its domain, topic and whether it is a shop |
| categories | a domain and its category by the simulated maps, as of its days |
| conversion_probability | a person and a day: how probable a purchase is on it, and in the horizon from it on |
| trouble | a planted fault, with file and line where it has one |
| anomalies | a site and the hours in which an outage or a surge changed its traffic |
| files | a landing file and what its lines are |
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from platform_assets.demo.hubs import Hubs
from platform_assets.demo.identifiers import Identifiers, office_address
from platform_assets.demo.landing_files import LandedFile, write_if_changed
from platform_assets.demo.population import COUNTRIES, KINDS, Population
from platform_assets.demo.records import event_ids
from platform_assets.demo.trouble import COPIES, MALFORMATIONS, ORIGINAL, WELL_FORMED, Deliveries
from platform_assets.demo.web import CONTENT_SITES, SITES_PER_TOPIC, TOPICS, site_domains
from platform_assets.demo.world import World

TROUBLE = pa.schema(
    {
        "kind": pa.string(),
        "detail": pa.string(),
        "event_id": pa.string(),
        "event_date": pa.date32(),
        "landing_date": pa.date32(),
        "file": pa.string(),
        "line": pa.int64(),
        "count": pa.int64(),
    }
)

ANOMALIES = pa.schema(
    {
        "anomaly": pa.int64(),
        "kind": pa.string(),
        "domain": pa.string(),
        "topic": pa.string(),
        "from_time": pa.timestamp("us"),
        "to_time": pa.timestamp("us"),
    }
)
HUBS = pa.schema({"kind": pa.string(), "identifier": pa.string(), "place": pa.string(), "persons": pa.int64()})

CONVERSION_PROBABILITY = pa.schema(
    {"event_date": pa.date32(), "person_id": pa.int64(), "probability_1d": pa.float64(), "probability": pa.float64()}
)


class GrowingTable:
    """A truth table that is written piece by piece. Nothing is in its place before `finish`."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._path, self._schema = folder / f"{name}.parquet", schema
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._sink, schema, compression="zstd")

    def add(self, piece: pa.Table) -> None:
        """Append rows."""
        self._writer.write_table(piece.cast(self._schema))

    def finish(self) -> None:
        """Put the table in its place."""
        self._writer.close()
        write_if_changed(self._path, self._sink.getvalue().to_pybytes())


def write_table(folder: Path, name: str, table: pa.Table) -> None:
    """Write a truth table at once."""
    growing = GrowingTable(folder, name, table.schema)
    growing.add(table)
    growing.finish()


def write_people_and_sites(folder: Path, population: Population, identifiers: Identifiers) -> None:
    """Write the tables that do not depend on what happens: persons, identifiers, sites."""
    write_table(folder, "persons", _persons(population))
    write_table(folder, "identifiers", _identifiers(population, identifiers))
    ranks = np.arange(len(TOPICS) * SITES_PER_TOPIC)
    sites = {
        "domain": site_domains(),
        "topic": np.repeat(TOPICS, SITES_PER_TOPIC),
        "is_shop": ranks % SITES_PER_TOPIC >= len(CONTENT_SITES),
    }
    write_table(folder, "sites", pa.table(sites))


def hubs_table(hubs: Hubs, identifiers: Identifiers) -> pa.Table:
    """Every identifier that many share, with the kind of place and how many persons go there."""
    kiosk = range(hubs.first_kiosk, hubs.first_kiosk + hubs.kiosks)
    tests = identifiers.login[hubs.first_test_login :]
    offices = [office_address(number) for number in range(int(hubs.office.max(initial=-1)) + 1)]
    places = (
        ("cookie_id", "kiosk", [identifiers.cookie[n] for n in kiosk], hubs.kiosk),
        ("device_id", "kiosk", [identifiers.device_id[n] for n in kiosk], hubs.kiosk),
        ("ip", "kiosk", [identifiers.address[n] for n in kiosk], hubs.kiosk),
        ("login", "test login", tests, hubs.test_login),
        ("ip", "office", offices, hubs.office),
    )
    rows = [
        {"kind": kind, "identifier": text, "place": place, "persons": int((of_person == number).sum())}
        for kind, place, texts, of_person in places
        for number, text in enumerate(texts)
        if text
    ]
    return pa.Table.from_pylist(rows, schema=HUBS)


def conversion_probabilities(world: World, day: int, on_the_day: np.ndarray, in_horizon: np.ndarray) -> pa.Table:
    """The planted probabilities of one day, by person."""
    persons = len(in_horizon)
    dates = pa.repeat(pa.scalar(world.date_of(day)), persons)
    return pa.table([dates, np.arange(persons), on_the_day, in_horizon], schema=CONVERSION_PROBABILITY)


def trouble_in_file(world: World, landed: LandedFile, deliveries: Deliveries) -> pa.Table:
    """Every fault of one file: duplicates, malformed lines, late records, bot events."""
    good = (deliveries.copy == ORIGINAL) & (deliveries.malformed == WELL_FORMED)
    copies, malformations = pa.array(COPIES), pa.array(MALFORMATIONS)
    delays = pa.array(["on time", "one day", "two days"])
    kinds = (
        ("duplicate", deliveries.copy != ORIGINAL, copies, deliveries.copy),
        ("malformed", deliveries.malformed != WELL_FORMED, malformations, deliveries.malformed),
        ("late", good & (deliveries.late > 0), delays, deliveries.late),
        ("bot", good & deliveries.events.is_bot, pa.array([""]), np.zeros(len(deliveries), dtype=np.int8)),
    )
    return pa.concat_tables(
        [_faults(world, landed, deliveries, kind, np.flatnonzero(mask), texts.take(pa.array(code[mask])))
         for kind, mask, texts, code in kinds]
    )  # fmt: skip


def trouble_of_world(world: World, lost_in_outage: int, not_landed: int) -> pa.Table:
    """The faults that have no line: the missing hour, the schema change, the drift, records still on their way."""
    rows = [
        ("missing_hour", "13:00 to 14:00 UTC", world.missing_day, lost_in_outage),
        ("schema_change", "records carry the field consent", world.consent_day, None),
        ("not_landed", "due after the last landing day", None, not_landed),
    ]
    if world.drift_day is not None:
        rows.append(("drift", "conversions follow other interests", world.drift_day, None))
    if world.consent_day >= world.days:
        rows = [row for row in rows if row[0] != "schema_change"]
    kinds, details, days, counts = zip(*rows, strict=True)
    nothing = pa.nulls(len(rows))
    dates = pa.array([None if day is None else world.date_of(day) for day in days], pa.date32())
    columns = [
        pa.array(kinds),
        pa.array(details),
        nothing,
        dates,
        nothing,
        nothing,
        nothing,
        pa.array(counts, pa.int64()),
    ]
    return pa.table(columns, names=TROUBLE.names).cast(TROUBLE)


def anomalies_table(rows: list[dict[str, object]]) -> pa.Table:
    """The planted anomalies of traffic; instants are UTC."""
    return pa.Table.from_pylist(rows, schema=ANOMALIES)


def files_table(world: World, landed: list[LandedFile]) -> pa.Table:
    """What each landing file holds."""
    rows = [asdict(file) | {"landing_date": world.date_of(file.landing_day)} for file in landed]
    return pa.Table.from_pylist(rows).drop_columns(["landing_day", "changed"])


def earlier_files(folder: Path) -> list[str]:
    """The landing files that an earlier simulation into the same folders has left."""
    path = folder / "files.parquet"
    return pq.read_table(path, columns=["file"])["file"].to_pylist() if path.is_file() else []


def _faults(
    world: World, landed: LandedFile, deliveries: Deliveries, kind: str, rows: np.ndarray, detail: pa.Array
) -> pa.Table:
    ids = event_ids(deliveries.event_id[rows])
    never_arrived = pa.repeat(pa.scalar(kind == "malformed"), len(rows))
    first = np.datetime64(world.first_day)
    return pa.table(
        {
            "kind": pa.repeat(pa.scalar(kind), len(rows)),
            "detail": detail,
            "event_id": pc.if_else(never_arrived, pa.scalar(None, pa.string()), ids),
            "event_date": pa.array(first + deliveries.event_day[rows], pa.date32()),
            "landing_date": pa.repeat(pa.scalar(world.date_of(landed.landing_day)), len(rows)),
            "file": pa.repeat(pa.scalar(landed.file), len(rows)),
            "line": pa.array(rows + 1),
            "count": pa.repeat(pa.scalar(1, pa.int64()), len(rows)),
        },
        schema=TROUBLE,
    )


def _persons(population: Population) -> pa.Table:
    interests = population.interests(0)
    return pa.table(
        {
            "person_id": np.arange(population.persons),
            "kind": pa.array(KINDS).take(pa.array(population.kind)),
            "country": pa.array(COUNTRIES).take(pa.array(population.country)),
            "activity": population.activity,
            **{f"interest_{topic}": interests[:, column] for column, topic in enumerate(TOPICS)},
        }
    )


def _identifiers(population: Population, identifiers: Identifiers) -> pa.Table:
    devices = len(population.device_person)
    homes = pa.array(identifiers.address, pa.string()).take(pa.array(population.first_device))
    device_ids = pa.array([text or None for text in identifiers.device_id[:devices]], pa.string())
    kinds = (
        ("login", pa.array(identifiers.login[: len(population.login_person)], pa.string()), population.login_person),
        ("cookie_id", pa.array(identifiers.cookie[:devices], pa.string()), population.device_person),
        ("device_id", device_ids, population.device_person),
        ("ip", homes, np.arange(population.persons)),
    )
    tables = [
        pa.table({"kind": pa.repeat(pa.scalar(kind), len(person)), "identifier": texts, "person_id": person})
        for kind, texts, person in kinds
    ]
    return pa.concat_tables(tables).filter(pc.field("identifier").is_valid())
