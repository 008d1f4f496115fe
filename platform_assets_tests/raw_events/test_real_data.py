"""Real files, with every record accounted for."""

import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import ibis
import pytest

from platform_assets.domain.sources import Source, load_sources
from platform_assets.raw_events.landed_records import LandedFile, read_landing_days
from platform_assets.raw_events.parsing import parse_records

SOURCES = Path(__file__).parents[1] / "config" / "real_sources.yaml"


@pytest.fixture
def source(request: pytest.FixtureRequest, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("SHARED_DATA", str(shared_data))
    return {source.name: source for source in load_sources(SOURCES)}[request.param]


def land(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copyfile(file, folder / file.name)


def raw(
    connection: ibis.BaseBackend, source: Source, days: list[date], zone: Path
) -> tuple[ibis.Table, list[LandedFile], Counter]:
    landed = read_landing_days(source, days, str(zone))
    records = ibis.memtable(landed.reader.read_all())
    table = connection.create_table(source.name, parse_records(records, source))
    reasons = table.group_by("reject_reason").agg(rows=table.count()).to_pyarrow().to_pylist()
    return table, landed.files, Counter({row["reject_reason"]: row["rows"] for row in reasons})


@pytest.mark.parametrize("source", ["apache_access"], indirect=True)
def test_apache_log(connection: ibis.BaseBackend, source: Source, shared_data: Path, tmp_path: Path) -> None:
    land(shared_data / "apache_combined_log" / "access.log.gz", tmp_path / "apache_access" / "2015-05-21")
    table, files, reasons = raw(connection, source, [date(2015, 5, 21)], tmp_path)
    assert reasons == {None: 9_999, "malformed_log_line": 1}
    assert [file.records for file in files] == [10_000]
    good = table.filter(table.reject_reason.isnull())
    counts = good.agg(
        dates=good.event_date.nunique(),
        addresses=good.ip.nunique(),
        ids=good.event_id.nunique(),
        without_path=good.path.isnull().sum(),
    )
    assert counts.to_pyarrow().to_pylist() == [{"dates": 4, "addresses": 1_753, "ids": 9_999, "without_path": 0}]
    assert table.filter(table.reject_reason.notnull()).line.to_pyarrow().to_pylist() == [8_899]


@pytest.mark.parametrize("source", ["online_retail"], indirect=True)
def test_online_retail(connection: ibis.BaseBackend, source: Source, tmp_path: Path) -> None:
    days = [date(2010, 12, 1) + timedelta(days=number) for number in range(274)]
    table, files, reasons = raw(connection, source, days, tmp_path)
    assert len(files) == 219
    assert reasons == {None: 320_705}
    assert sum(file.records for file in files) == 320_705
    assert not [file for file in files if file.landing_date.weekday() == 5]
    counts = table.agg(
        other_day=(table.event_date != table.landing_date).sum(),
        without_customer=(table.CustomerID == "").sum(),
        ids=table.event_id.nunique(),
    )
    assert counts.to_pyarrow().to_pylist() == [{"other_day": 0, "without_customer": 88_652, "ids": 320_705}]


@pytest.mark.parametrize("source", ["webtrackr"], indirect=True)
def test_webtrackr(connection: ibis.BaseBackend, source: Source, shared_data: Path, tmp_path: Path) -> None:
    land(shared_data / "webtrackr_visits" / "visits.parquet", tmp_path / "webtrackr" / "2019-08-15")
    table, files, reasons = raw(connection, source, [date(2019, 8, 15)], tmp_path)
    assert reasons == {None: 49_612}
    assert [file.records for file in files] == [49_612]
    counts = table.agg(
        dates=table.event_date.nunique(), urls=table.url.nunique(), panelists=table.panelist_id.nunique()
    )
    assert counts.to_pyarrow().to_pylist() == [{"dates": 123, "urls": 22_817, "panelists": 5}]
