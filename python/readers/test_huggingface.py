"""Hugging Face's datasets on each format that it reads."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import COUNTS, HUB_SPLITS, META, each_split, index_of

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def raw_paths(data):
    """The same rows, with the image's path beside its pixels."""
    undecoded = data.cast_column("image", datasets.Image(decode=False))
    return [index_of(row["image"]["path"]) for row in undecoded]


def test_parquet(export, splits) -> None:
    data = datasets.load_dataset(str(export("parquet", shard_size=128)))
    assert set(data) == set(HUB_SPLITS.values())
    assert data["train"].features["label"].names == ["normal", "tumor"]
    for name, hub in HUB_SPLITS.items():
        assert raw_paths(data[hub]) == list(range(COUNTS[name]))
        splits[name].check((i, row["image"], row["label"]) for i, row in enumerate(data[hub]))


@each_split
def test_parquet_streaming(export, splits, name: str) -> None:
    data = datasets.load_dataset(str(export("parquet", shard_size=128)), split=HUB_SPLITS[name], streaming=True)
    splits[name].check((i, row["image"], row["label"]) for i, row in enumerate(data))


@pytest.mark.parametrize("nodes", [2, 3])
def test_parquet_split_by_node(export, splits, nodes: int) -> None:
    from datasets.distributed import split_dataset_by_node

    data = datasets.load_dataset(str(export("parquet", shard_size=128)), split="train", streaming=True)
    parts = [list(split_dataset_by_node(data, rank=rank, world_size=nodes)) for rank in range(nodes)]
    assert all(len(part) >= COUNTS["train"] // nodes // 2 for part in parts)
    splits["train"].check_unnamed((row["image"], row["label"]) for part in parts for row in part)


def test_parquet_of_the_crop(export, splits) -> None:
    data = datasets.load_dataset(str(export("parquet", crop="center32")), split="test")
    splits["test"].check(((i, row["image"], row["label"]) for i, row in enumerate(data)), side=32)


def test_meta_columns(export, dataset) -> None:
    import csv

    data = datasets.load_dataset(str(export("parquet", shard_size=128)), split="validation")
    with open(dataset / "camelyonpatch_level_2_split_valid_meta.csv", newline="") as file:
        expected = [tuple(row[column] for column in META) for row in csv.DictReader(file)]
    assert [tuple(str(row[column]) for column in META) for row in data.remove_columns(["image", "label"])] == expected


@each_split
def test_imagefolder(export, splits, name: str) -> None:
    folder = str(export("png", layout="folder"))
    data = datasets.load_dataset("imagefolder", data_dir=folder, split=HUB_SPLITS[name])
    splits[name].check(zip(raw_paths(data), (row["image"] for row in data), data["label"]))


@each_split
@pytest.mark.parametrize("streaming", [False, True])
def test_webdataset(export, splits, name: str, streaming: bool) -> None:
    files = {name: str(export("png", shard_size=64) / f"pcam-{name}-*.tar")}
    data = datasets.load_dataset("webdataset", data_files=files, split=name, streaming=streaming)
    splits[name].check((index_of(row["__key__"]), np.asarray(row["png"]), row["cls"]) for row in data)
