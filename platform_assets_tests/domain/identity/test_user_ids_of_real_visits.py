"""Real visits of five panelists on two devices each: what nobody was seen with stays apart, and nobody is mixed up."""

from datetime import date
from pathlib import Path

import ibis

from platform_assets.demo.planted_identity import planted_identity
from platform_assets.domain.identity.connected_components import components_on_one_node
from platform_assets.domain.identity.identifier_pairs import identifier_pairs
from platform_assets.domain.identity.user_ids import user_ids
from platform_assets.domain.pseudonyms import pseudonym
from resources.compute.duckdb_engine import DuckDBEngine

DAY = date(2019, 8, 14)


def test_devices_of_a_panelist_that_nothing_links_stay_apart_and_panelists_never_meet(
    shared_data: Path, one_engine: DuckDBEngine
) -> None:
    visits = one_engine.backend.read_parquet(str(shared_data / "webtrackr_visits" / "visits.parquet"))
    visits = visits.mutate(device=visits.panelist_id.cast(str) + "|" + visits.device)
    events = visits.select(
        event_date=ibis.literal(DAY),  # all at once: what is linked on any of the days
        is_bot=False,
        login_hash=ibis.null(str),
        cookie_id=pseudonym("cookie", visits.device),
        device_id=pseudonym("device", visits.device),
        ip_hash=ibis.null(str),
    )
    pairs = one_engine.computed(identifier_pairs(events))
    found = user_ids(pairs, None, DAY, DAY, components_on_one_node, one_engine)
    panel = [
        visits.select(kind=ibis.literal(kind), identifier="device", person_id="panelist_id").distinct()
        for kind in ("cookie_id", "device_id")
    ]
    nobody = ibis.memtable([], schema={"kind": "string", "identifier": "string"})
    quality = planted_identity(found, ibis.union(*panel), nobody, DAY)
    # Four identifiers a panelist make six pairs; each event ties one cookie to one device, and nothing else does.
    assert (quality.persons, quality.identifiers) == (5, 20)
    assert (quality.found, quality.both, quality.planted) == (10, 10, 30)
