"""mlcroissant and TFDS's CroissantBuilder on the Croissant of a Parquet export."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import COUNTS, HUB_SPLITS, each_split

mlcroissant = pytest.importorskip("mlcroissant")
PACKAGE = Path(__file__).parents[2] / "croissant.json"


@pytest.fixture()
def silent(caplog):
    """No warning, of Python or in the log, while a test runs."""
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error", UserWarning)
        yield
    assert [record.getMessage() for record in caplog.records] == []


@pytest.fixture(scope="module")
def document(export) -> Path:
    return export("parquet", shard_size=128) / "croissant.json"


def check_no_issues(data) -> None:
    issues = data.metadata.ctx.issues
    assert list(issues.errors) == [] and list(issues.warnings) == []


def test_the_documents_are_valid(document: Path, silent) -> None:
    check_no_issues(mlcroissant.Dataset(jsonld=str(document)))
    check_no_issues(mlcroissant.Dataset(jsonld=str(PACKAGE)))


def test_all_records(document: Path, splits, silent) -> None:
    rows = list(mlcroissant.Dataset(jsonld=str(document)).records("patches"))
    assert len(rows) == sum(COUNTS.values())
    for name, hub in HUB_SPLITS.items():
        own = [row for row in rows if row["patches/split"] in (hub, hub.encode())]
        splits[name].check_unnamed((np.asarray(row["patches/image"]), row["patches/label"]) for row in own)


@each_split
def test_filter_on_the_split(document: Path, splits, silent, name: str) -> None:
    data = mlcroissant.Dataset(jsonld=str(document))
    rows = data.records("patches", filters={"patches/split": HUB_SPLITS[name]})
    splits[name].check_unnamed((np.asarray(row["patches/image"]), row["patches/label"]) for row in rows)


def test_tfds_croissant_builder(document: Path, splits, tmp_path: Path, monkeypatch) -> None:
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr("sys.argv", ["tfds"])  # Beam, which it runs on, takes pytest's for its own.
    builder = tfds.dataset_builders.CroissantBuilder(
        jsonld=str(document), record_set_ids=["patches"], file_format="tfrecord", data_dir=tmp_path
    )
    builder.download_and_prepare()
    for name, hub in HUB_SPLITS.items():
        rows = tfds.as_numpy(builder.as_dataset(split=hub))
        splits[name].check_unnamed((row["image"], row["label"]) for row in rows)
