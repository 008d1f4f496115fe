"""One leg of `url_audiences`, to be run in a process of its own; prints what it took as JSON.

    python -m benchmarks.url_audiences_leg <platform|plain> <folder of events> <audiences file>

The clock starts when the audiences are read and everything is imported, and stops when the result is in Parquet.
"""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.audience_worlds import LAST_DAY, plain_sql
from platform_assets.domain.audiences.audiences_file import load_audiences
from platform_assets.domain.audiences.url_audiences import url_audiences
from resources.compute.duckdb_engine import DuckDBEngine

MEMORY = os.environ.get("BENCHMARK_MEMORY", "4GB")


def main(leg: str, folder: Path, file: Path) -> None:
    """Members of one day from the 28 days that end with it."""
    began = time.process_time()
    audiences = load_audiences(file)
    reading = time.process_time() - began
    with TemporaryDirectory() as scratch:
        engine = DuckDBEngine(spill_folder=Path(scratch) / "spill", memory=MEMORY)
        tables = [engine.backend.read_parquet(str(folder / f"{name}.parquet")) for name in ("events", "user_ids")]
        out = Path(scratch) / "out.parquet"
        began, cpu_began = time.monotonic(), time.process_time()
        if leg == "platform":
            engine.backend.create_view("members", url_audiences(*tables, audiences, LAST_DAY, LAST_DAY))
            query = "SELECT * FROM members"
        else:
            query = plain_sql(file, folder)
        engine.backend.con.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")
        took = {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu_began, "reading": reading}
        digested = "sum(hash(audience, user_id, events::BIGINT)::HUGEINT)::VARCHAR"
        rows, matched, digest = engine.backend.con.execute(
            f"SELECT count(*), sum(events)::BIGINT, {digested} FROM '{out}'"
        ).fetchone()
    print(json.dumps({**took, "rows": rows, "matched": matched, "digest": digest}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
