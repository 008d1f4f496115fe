"""`simulate`: make a world and leave the files a collector would leave, with the truth beside them.

The days' files are made by a pool of threads (text and compression run outside Python's lock), the world's state by one
walk through the days; so the bytes depend on the arguments alone.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from platform_assets.demo import truth
from platform_assets.demo.anomalies import anomalies, planted_rows, with_anomalies
from platform_assets.demo.bots import bot_events
from platform_assets.demo.browsing import browse
from platform_assets.demo.category_maps import write_category_maps
from platform_assets.demo.conversions import ConversionLaw, DayOfIntent, Horizon, live
from platform_assets.demo.events import concatenate
from platform_assets.demo.hubs import make_hubs
from platform_assets.demo.identifiers import make_identifiers
from platform_assets.demo.landing_files import LandedFile, land
from platform_assets.demo.population import make_population
from platform_assets.demo.records import RecordText
from platform_assets.demo.trouble import STRAGGLERS, Deliveries, deliver, join_deliveries, outage
from platform_assets.demo.web import campaigns, site_domains
from platform_assets.demo.world import World

Progress = Callable[[date, int], None]
"""Called after each landing day with its date and number of lines."""


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation left. `events` are unique events that arrived; `late` and `bots` are among them.

    `files_written` counts the landing files that were new or different from what lay there before.
    """

    first_day: date
    last_day: date
    days: int
    persons: int
    events: int
    duplicates: int
    malformed: int
    late: int
    bots: int
    lines: int
    files: int
    files_written: int
    bytes: int


@dataclass(frozen=True)
class _Day:
    """What one day's sessions came to: the files of the day's own stream, and what lands elsewhere."""

    landed: list[LandedFile]
    trouble: list[pa.Table]
    stragglers: Deliveries
    lost_in_outage: int


def simulate(
    landing_zone: Path,
    *,
    first_day: date,
    days: int = 60,
    events: int = 1_000_000,
    seed: int = 7,
    drift_day: int | None = None,
    horizon_days: int = 7,
    anomalous: bool = True,
    hubs: bool = False,
    truth_folder: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Simulate `days` landing days with about `events` events, as files in `landing_zone` and tables in `truth_folder`.

    The truth lies in `truth` beside the landing zone unless told otherwise. `drift_day` is the number (from 0) of the
    day from which conversions follow other interests; `anomalous` whether sites have outages and topics surge; `hubs`
    whether many persons share kiosks, test logins and offices. The same arguments give the same bytes, whatever
    `workers` is; files that are there already are not touched, files of another world from an earlier call are removed.
    """
    world = World(first_day, days, events, seed, drift_day, horizon_days, anomalous, hubs)
    folder = truth_folder if truth_folder is not None else landing_zone.parent / "truth"
    collector = _Collector(world, landing_zone, folder)
    outdated = set(truth.earlier_files(folder))
    landed = collector.run(workers or os.cpu_count() or 1, progress)
    write_category_maps(landing_zone, folder, world)
    for name in sorted(outdated - {file.file for file in landed}):
        _remove(landing_zone / name)
    return SimulationSummary(
        first_day=first_day,
        last_day=world.last_day,
        days=days,
        persons=world.persons,
        events=sum(file.unique_events for file in landed),
        duplicates=sum(file.duplicates for file in landed),
        malformed=sum(file.malformed for file in landed),
        late=sum(file.late for file in landed),
        bots=sum(file.bots for file in landed),
        lines=sum(file.lines for file in landed),
        files=len(landed),
        files_written=sum(file.changed for file in landed),
        bytes=sum(file.bytes for file in landed),
    )


class _Collector:
    """Walks through a world's days and lands their files in order."""

    def __init__(self, world: World, landing_zone: Path, truth_folder: Path) -> None:
        self._world, self._landing_zone, self._truth_folder = world, landing_zone, truth_folder
        self._population = make_population(world)
        self._hubs = make_hubs(world, self._population)
        self._identifiers = make_identifiers(world, self._population, self._hubs)
        self._text = RecordText(world, self._identifiers)
        self._campaigns = campaigns(world)
        self._anomalies = anomalies(world)
        self._law = ConversionLaw(world, self._population)
        self._trouble = truth.GrowingTable(truth_folder, "trouble", truth.TROUBLE)
        self._landed: list[LandedFile] = []
        self._stragglers: list[Deliveries] = []
        self._lost = 0

    def run(self, workers: int, progress: Progress | None) -> list[LandedFile]:
        """Land every day, and write the truth."""
        on_the_day, in_horizon = Horizon(self._law, 1), Horizon(self._law, self._world.horizon_days)
        probability = truth.GrowingTable(self._truth_folder, "conversion_probability", truth.CONVERSION_PROBABILITY)
        ahead: deque[tuple[int, Future[_Day]]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for today in live(self._world, self._population, self._law):
                ahead.append((today.day, pool.submit(self._make_day, today)))
                planted = [horizon.probability(today) for horizon in (on_the_day, in_horizon)]
                probability.add(truth.conversion_probabilities(self._world, today.day, *planted))
                if len(ahead) > workers:
                    self._close_day(*ahead.popleft(), progress)
            while ahead:
                self._close_day(*ahead.popleft(), progress)
        probability.finish()
        not_landed = sum(len(piece) for piece in self._stragglers)
        self._trouble.add(truth.trouble_of_world(self._world, self._lost, not_landed))
        self._trouble.finish()
        truth.write_people_and_sites(self._truth_folder, self._population, self._identifiers)
        planted = truth.anomalies_table(planted_rows(self._anomalies, site_domains()))
        truth.write_table(self._truth_folder, "anomalies", planted)
        truth.write_table(self._truth_folder, "hubs", truth.hubs_table(self._hubs, self._identifiers))
        truth.write_table(self._truth_folder, "files", truth.files_table(self._world, self._landed))
        return self._landed

    def _make_day(self, today: DayOfIntent) -> _Day:
        day = today.day
        running = [campaign for campaign in self._campaigns if campaign.first_day <= day <= campaign.last_day]
        first_bot = len(self._population.device_person)
        browsed = browse(self._world, self._population, self._hubs, running, today)
        happened = concatenate(
            [with_anomalies(self._world, day, self._anomalies, browsed), bot_events(self._world, day, first_bot)]
        )
        missed = outage(self._world, day, happened)
        deliveries = deliver(self._world, day, happened.take(~missed))
        landed, trouble = [], []
        for part in range(int(deliveries.batch.max(initial=STRAGGLERS)) + 1):
            file, faults = self._land(day, part, deliveries.take(deliveries.batch == part))
            landed.append(file)
            trouble.append(faults)
        return _Day(landed, trouble, deliveries.take(deliveries.batch == STRAGGLERS), int(missed.sum()))

    def _close_day(self, day: int, future: Future[_Day], progress: Progress | None) -> None:
        """Take a day's files and land, as its last part, what arrives on this day from other streams."""
        made = future.result()
        landed, trouble = list(made.landed), list(made.trouble)
        waiting = join_deliveries([*self._stragglers, made.stragglers])
        due = waiting.take(waiting.landing == day)
        self._stragglers = [waiting.take(waiting.landing > day)]
        self._lost += made.lost_in_outage
        if len(due):
            file, faults = self._land(day, len(landed), due)
            landed.append(file)
            trouble.append(faults)
        self._landed.extend(landed)
        self._trouble.add(pa.concat_tables([truth.TROUBLE.empty_table(), *trouble]))
        if progress:
            progress(self._world.date_of(day), sum(file.lines for file in landed))

    def _land(self, day: int, part: int, deliveries: Deliveries) -> tuple[LandedFile, pa.Table]:
        in_order = deliveries.take(np.argsort(deliveries.arrival, kind="stable"))
        file = land(self._landing_zone, self._world, self._text, day, part, in_order)
        return file, truth.trouble_in_file(self._world, file, in_order)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # the folder still holds files
        path.parent.rmdir()
