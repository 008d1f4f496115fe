"""What many persons share is planted where the truth says, and changes nothing for anybody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_assets.demo import simulate
from platform_assets_tests.demo.left_behind import FIRST_DAY, LeftBehind, content, read_back

ARGUMENTS = {"first_day": FIRST_DAY, "days": 10, "events": 60_000, "seed": 5}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeftBehind]:
    folder = tmp_path_factory.mktemp("crowded")
    summary = simulate(folder / "landing", **ARGUMENTS, hubs=True)
    left = read_back(folder / "landing", folder / "truth", summary)
    yield left
    left.connection.close()


def test_every_planted_hub_is_seen_with_many_persons(crowded: LeftBehind) -> None:
    at_home = "(SELECT identifier, person_id FROM identifiers WHERE kind = 'cookie_id')"
    assert crowded.value("SELECT count(DISTINCT place) FROM hubs") == 3
    addresses = crowded.rows(
        f"SELECT h.persons, count(DISTINCT person_id) FROM events JOIN hubs h ON h.identifier = ip"
        f" JOIN {at_home} i ON i.identifier = cookie_id WHERE place = 'office' GROUP BY h.identifier, h.persons"
    )
    assert len(addresses) == 8
    assert all(8 <= seen <= workers == 12 for workers, seen in addresses)
    tests = crowded.rows(
        "SELECT h.persons, count(DISTINCT cookie_id) FROM events JOIN hubs h ON h.identifier = login GROUP BY ALL"
    )
    assert all(cookies >= 0.8 * testers for testers, cookies in tests)
    kiosks = crowded.rows(
        "SELECT h.identifier, count(DISTINCT login), count(DISTINCT ip) FROM events"
        " JOIN hubs h ON h.identifier = cookie_id GROUP BY ALL"
    )
    assert len(kiosks) == 2
    assert all(logins > 10 and addresses == 1 for _, logins, addresses in kiosks)


def test_nobody_buys_at_a_kiosk_or_under_a_test_login(crowded: LeftBehind) -> None:
    assert not crowded.rows(
        "SELECT * FROM events WHERE event_type = 'purchase'"
        " AND (login IN (SELECT identifier FROM hubs) OR cookie_id IN (SELECT identifier FROM hubs))"
    )


def test_the_rest_of_the_world_is_the_same_without_hubs(crowded: LeftBehind, tmp_path: Path) -> None:
    simulate(tmp_path / "landing", **ARGUMENTS)
    calm = content(tmp_path / "truth")
    for name in ("persons", "identifiers", "conversion_probability", "sites"):
        assert (crowded.truth_folder / f"{name}.parquet").read_bytes() == calm[f"{name}.parquet"]
    other = read_back(tmp_path / "landing", tmp_path / "truth", crowded.summary)
    same = "SELECT event_id, event_time, event_type, url, item, value FROM records ORDER BY ALL"
    assert crowded.rows(same) == other.rows(same)
    assert other.value("SELECT count(*) FROM hubs") == 0
    other.connection.close()


def test_every_person_has_an_address_of_their_own(crowded: LeftBehind) -> None:
    found = crowded.rows("SELECT count(*), count(DISTINCT identifier) FROM identifiers WHERE kind = 'ip'")
    assert found == [(crowded.summary.persons, crowded.summary.persons)]
    assert not crowded.rows(
        "SELECT * FROM events JOIN identifiers c ON c.identifier = cookie_id JOIN identifiers a ON a.identifier = ip"
        " WHERE a.person_id <> c.person_id"
    )
