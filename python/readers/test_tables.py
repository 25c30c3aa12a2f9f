"""What reads Parquet as a table: pandas, Polars, PyArrow, DuckDB, Ray Data, Spark."""

from __future__ import annotations

import pytest
from conftest import HUB_SPLITS, decode, each_split, index_of


@pytest.fixture(scope="module")
def tables(export):
    """The shards of a split, as a function of its name."""
    folder = export("parquet", shard_size=128)
    return lambda name: sorted(map(str, (folder / "data").glob(f"{HUB_SPLITS[name]}-*.parquet")))


def patches(images, labels):
    return ((index_of(image["path"]), decode(image["bytes"]), label) for image, label in zip(images, labels))


@each_split
def test_pandas(tables, splits, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    data = pandas.concat(map(pandas.read_parquet, tables(name)))
    splits[name].check(patches(data["image"], data["label"]))


@each_split
def test_polars(tables, splits, name: str) -> None:
    polars = pytest.importorskip("polars")
    data = polars.scan_parquet(tables(name)).select("image", "label").collect()
    splits[name].check(patches(data["image"], data["label"]))


@each_split
def test_pyarrow(tables, splits, name: str) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    data = dataset.dataset(tables(name)).to_table(columns=["image", "label"])
    splits[name].check(patches(data["image"].to_pylist(), data["label"].to_pylist()))


@each_split
def test_duckdb(tables, splits, name: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.execute("select image, label from read_parquet($files)", {"files": tables(name)}).fetchall()
    splits[name].check(patches(*zip(*rows)))


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", configure_logging=True)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@each_split
def test_ray_data_parquet_in_two_processes(ray, tables, splits, name: str) -> None:
    rows = ray.data.read_parquet(tables(name)).select_columns(["image", "label"]).take_all()
    splits[name].check(patches((row["image"] for row in rows), (row["label"] for row in rows)))


@each_split
def test_ray_data_webdataset(ray, export, splits, name: str) -> None:
    shards = sorted(map(str, export("png", shard_size=64).glob(f"pcam-{name}-*.tar")))
    rows = ray.data.read_webdataset(shards).take_all()
    splits[name].check((index_of(row["__key__"]), row["png"], row["cls"]) for row in rows)


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql")
    # Two executor threads; the rows come back over the Python worker processes.
    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@each_split
def test_spark_in_two_processes(spark, tables, splits, name: str) -> None:
    data = spark.read.parquet(*tables(name)).select("image", "label")
    rows = data.rdd.map(lambda row: ({"path": row.image.path, "bytes": bytes(row.image.bytes)}, row.label)).collect()
    splits[name].check(patches(*zip(*rows)))
