"""Questions about the data set in SQL, straight from the Parquet files: no image is read that is not asked for.

    pcam export --format parquet
    python3 duckdb_parquet.py pcam-parquet

Needs duckdb.
"""
import os
import sys

import duckdb

SLIDES = """
    select wsi, count(*) as patches, sum(label) as positive
    from read_parquet($files)
    group by wsi
    order by patches desc, wsi
"""


def main(folder="pcam-parquet", split="train"):
    files = os.path.join(folder, "data", f"{split}-*.parquet")
    print(duckdb.execute(SLIDES, {"files": files}).fetchall())
    # One patch as the bytes of a PNG.
    first = "select image.bytes from read_parquet($files) where label = 1 limit 1"
    print(len(duckdb.execute(first, {"files": files}).fetchone()[0]), "bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
