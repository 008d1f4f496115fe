"""Persons out of identifiers: how well planted ones are found, and what a full build and a day's update cost."""

import shutil
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.fresh_process import run
from benchmarks.report import Section

FIRST_DAY = date(2026, 1, 5)
PAIRS = (1_000_000, 10_000_000)
DAY_PAIRS, HISTORY_DAYS = 30_000, (8, 80)
EVENTS, DAYS = 1_000_000, 60


def measure(scratch: Path) -> Section:
    """Full builds against bare scipy, a day's update with short and long histories, and the simulated world."""
    folder = scratch / "user_ids"
    shutil.rmtree(folder, ignore_errors=True)
    figures: dict[str, float] = {}
    rows = []
    for pairs in PAIRS:
        built, bare = _leg("build", pairs, folder), _leg("scipy", pairs, folder)
        figures |= {f"build_{pairs}_cpu_seconds": built[0], f"build_{pairs}_seconds": built[1]}
        figures |= {f"scipy_{pairs}_cpu_seconds": bare[0], f"build_{pairs}_ratio": built[0] / bare[0]}
        rows.append(
            (
                f"full build, {pairs:,} pairs of one day",
                f"{built[0]:.1f} CPU s, {built[1]:.1f} s",
                f"{built[0] / bare[0]:.1f} × scipy on integers ({bare[0]:.1f} CPU s)",
            )
        )
    growth = figures[f"build_{PAIRS[1]}_cpu_seconds"] / figures[f"build_{PAIRS[0]}_cpu_seconds"]
    rows.append((f"growth from {PAIRS[0]:,} to {PAIRS[1]:,} pairs", f"{growth:.1f} × CPU", "10 × would be linear"))
    days = {history: _leg("update", history, folder) for history in HISTORY_DAYS}
    for history, (cpu, seconds) in days.items():
        figures[f"update_after_{history}_days_cpu_seconds"] = cpu
        told = f"one day of {DAY_PAIRS:,} pairs after {history} such days"
        rows.append((told, f"{cpu:.2f} CPU s, {seconds:.2f} s", ""))
    short, long = (days[history][0] for history in HISTORY_DAYS)
    rows.append(("the same day after ten times the history", f"{long / short:.2f} × CPU", "1 × would be independent"))
    for hubs in (False, True):
        left_out, counted, cpu, seconds = _leg("planted", int(hubs), folder)
        name = "with kiosks, test logins and offices" if hubs else "without hubs"
        figures |= {f"f1_{'with' if hubs else 'without'}_hubs": left_out, f"user_ids_cpu_seconds_{hubs}": cpu}
        rows.append(
            (
                f"{EVENTS:,} events on {DAYS} days, {name}",
                f"pairwise F1 {left_out:.4f}",
                f"hubs counted {counted:.4f}; all days in {cpu:.1f} CPU s, {seconds:.1f} s",
            )
        )
    shutil.rmtree(folder, ignore_errors=True)
    return Section(
        title="Persons (user_ids)",
        command="python -m benchmarks user_ids",
        method=(
            "A fresh process each; the clock starts when the pairs lie in Parquet files of a day each. Six different "
            "pairs a person (a login with three cookies, each with an address) and a row for each identifier, as texts "
            "of 32 characters. Full build: all of them on one day, to hubs, components, ids and rows. Bare scipy: "
            "connected_components on the same pairs as integers in memory. Update: one day on top of a history of days "
            "of the same size, each of which sees a quarter of all persons. Pairwise F1 over logins, cookies, devices "
            "at the end of the last day, against the planted persons."
        ),
        header=("what", "measured", "against"),
        rows=rows,
        notes=("A day reads its own table and pairs of at most 90 days back: beyond that, history costs nothing.",),
        figures=figures,
    )


def _leg(*arguments: object) -> tuple[float, ...]:
    """What one fresh process measured."""
    _, output = run(["-m", "benchmarks.user_ids", *map(str, arguments)])
    return tuple(map(float, output.split()[-4:] if arguments[0] == "planted" else output.split()[-2:]))


def pairs_of_persons(persons: np.ndarray, day: date):  # type: ignore[no-untyped-def]
    """Six pairs a person, each once: a login with three cookies, the cookies with an address; and every identifier."""
    import pyarrow as pa

    person, cookie = np.repeat(persons, 3), (persons[:, None] * 3 + np.arange(3)).ravel()
    names = {"login": _names("l", person), "cookie": _names("c", cookie), "ip": _names("i", person)}
    both = (("login", "cookie"), ("cookie", "ip"))
    tables = [_pairs(day, left, names[left], right, names[right]) for left, right in both]
    tables += [_pairs(day, kind, names[kind].unique(), None, None) for kind in names]
    return pa.concat_tables(tables)


def _names(letter: str, numbers: np.ndarray):  # type: ignore[no-untyped-def]
    """Numbers as texts of 32 characters in no order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.array(numbers.astype(np.uint64) * np.uint64(11400714819323198485)).cast(pa.string())
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(text, 31, "0"), "")


def _pairs(day: date, kind: str, names, other: str | None, others):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    count = len(names)
    return pa.table(
        {
            "event_date": pa.repeat(pa.scalar(day), count),
            "identifier": names,
            "kind": pa.repeat(pa.scalar(kind), count),
            "other_identifier": pa.nulls(count, pa.string()) if others is None else others,
            "other_kind": pa.repeat(pa.scalar(other, pa.string()), count),
            "events": pa.repeat(pa.scalar(1, pa.int64()), count),
        }
    )


def scipy_leg(pairs: int) -> None:
    """Components of the same pairs as integers, nothing else."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    persons = np.arange(pairs // 6)
    cookie = persons.size + (persons[:, None] * 3 + np.arange(3)).ravel()
    left = np.concatenate([np.repeat(persons, 3), cookie])
    right = np.concatenate([cookie, 4 * persons.size + np.repeat(persons, 3)])
    began, cpu = time.monotonic(), time.process_time()
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(5 * persons.size,) * 2)
    count, _ = connected_components(graph, directed=False)
    assert count == persons.size
    print(time.process_time() - cpu, time.monotonic() - began)


def build_leg(folder: Path, pairs: int) -> None:
    """All pairs on one day, with nothing known before."""
    engine = _engine(folder)
    table = _on_disk(engine, folder, "pairs", {FIRST_DAY: pairs_of_persons(np.arange(pairs // 6), FIRST_DAY)})
    rows, *spent = _timed(engine, table, None, FIRST_DAY, FIRST_DAY)
    assert rows.user_id.nunique().to_pyarrow().as_py() == pairs // 6
    print(*spent)


def update_leg(folder: Path, history: int) -> None:
    """One day after a history of such days; a day sees a quarter of all persons."""
    engine, persons = _engine(folder), DAY_PAIRS // 6
    days = [FIRST_DAY + timedelta(days=number) for number in range(history + 1)]
    rng = np.random.default_rng(7)
    seen = {day: pairs_of_persons(rng.permutation(4 * persons)[:persons], day) for day in days}
    table = _on_disk(engine, folder, "pairs", seen)
    before, *_ = _timed(engine, table, None, days[0], days[-2])
    own = {day: before.filter(before.event_date == day).to_pyarrow() for day in days[:-1]}
    earlier = _on_disk(engine, folder, "user_ids", own)
    _, *spent = _timed(engine, table, earlier, days[-1], days[-1])
    print(*spent)


def planted_leg(folder: Path, hubs: bool) -> None:
    """The simulated world: landed records → pairs → persons of all days, compared with the planted ones."""
    from platform_assets.demo import simulate
    from platform_assets.demo.planted_identity import planted_identity, read_planted
    from platform_assets.domain import user_agents
    from platform_assets.domain.identity.identifier_pairs import identifier_pairs
    from platform_assets.domain.pseudonyms import pseudonym

    engine, last = _engine(folder), FIRST_DAY + timedelta(days=DAYS - 1)
    simulate(folder / "landing", first_day=FIRST_DAY, days=DAYS, events=EVENTS, seed=7, hubs=hubs)
    texts = {"login": "login_hash", "cookie_id": "cookie_id", "device_id": "device_id", "ip": "ip_hash"}
    columns = {**dict.fromkeys([*texts, "user_agent"], "VARCHAR"), "event_time": "TIMESTAMP"}
    landed = engine.backend.read_json(str(folder / "landing/*/*/*.gz"), columns=columns, ignore_errors=True)
    landed = landed.filter(landed.event_time.notnull())
    events = landed.select(
        event_date=landed.event_time.date(),
        is_bot=user_agents.is_bot(landed.user_agent),
        **{name: pseudonym(text.removesuffix("_id"), landed[text]) for text, name in texts.items()},
    )
    pairs = engine.computed(identifier_pairs(events.filter(events.event_date <= last)))
    rows, *spent = _timed(engine, pairs, None, FIRST_DAY, last)
    planted = read_planted(engine.backend, folder / "truth")
    found = [planted_identity(rows, *planted, last, with_hubs=counted).f1 for counted in (False, True)]
    print(*found, *spent)


def _engine(folder: Path):  # type: ignore[no-untyped-def]
    from resources.compute.duckdb_engine import DuckDBEngine

    return DuckDBEngine(spill_folder=folder / "spill", memory="4GB", pseudonym_key=b"a-key-for-benchmarks")


def _on_disk(engine, folder: Path, name: str, by_day):  # type: ignore[no-untyped-def]
    """Tables of single days as Parquet files cut by day, read as a published table is."""
    import ibis
    import pyarrow.parquet as pq

    files = []
    for day, table in by_day.items():
        place = folder / name / f"event_date={day}"
        place.mkdir(parents=True)
        files.append(str(place / "part.parquet"))
        pq.write_table(table.drop_columns(["event_date"]), files[-1])
    schema = ibis.Schema.from_pyarrow(next(iter(by_day.values())).schema)
    return engine.read_parquet(name, files, schema, "event_date")


def _timed(engine, pairs, earlier, first: date, last: date):  # type: ignore[no-untyped-def]
    from platform_assets.domain.identity.connected_components import components_on_one_node
    from platform_assets.domain.identity.user_ids import user_ids

    began, cpu = time.monotonic(), time.process_time()
    rows = engine.computed(user_ids(pairs, earlier, first, last, components_on_one_node, engine))
    return rows, time.process_time() - cpu, time.monotonic() - began


def main(leg: str, size: int, scratch: Path) -> None:
    """One leg in a folder of its own; the last numbers printed are CPU seconds and seconds."""
    folder = scratch / f"{leg}-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if leg == "scipy":
        scipy_leg(size)
    else:
        {"build": build_leg, "update": update_leg, "planted": planted_leg}[leg](folder, size)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
