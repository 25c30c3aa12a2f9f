"""PyTorch's readers: torchvision, webdataset, timm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import COUNTS, HUB_SPLITS, Split, each_split, index_of

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("torchvision.datasets")


@each_split
def test_torchvision_pcam(dataset: Path, splits: dict[str, Split], name: str) -> None:
    data = datasets.PCAM(dataset.parent, split="val" if name == "valid" else name, download=False)
    splits[name].check((i, *data[i]) for i in range(len(data)))


@each_split
def test_torchvision_image_folder(export, splits, name: str) -> None:
    data = datasets.ImageFolder(export("png", layout="folder") / name)
    assert data.class_to_idx == {"0": 0, "1": 1}
    splits[name].check((index_of(path), data.loader(path), label) for path, label in data.samples)


@each_split
@pytest.mark.parametrize("workers", [0, 2])
def test_webdataset(export, splits, name: str, workers: int) -> None:
    wds = pytest.importorskip("webdataset")
    shards = sorted(map(str, export("png", shard_size=64).glob(f"pcam-{name}-*.tar")))
    data = wds.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("__key__", "png", "cls")
    loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers, collate_fn=None)
    splits[name].check((index_of(key), image, label) for key, image, label in loader)


@each_split
def test_webdataset_shared_out_to_two_nodes(export, splits, name: str) -> None:
    wds = pytest.importorskip("webdataset")
    shards = sorted(map(str, export("png", shard_size=64).glob(f"pcam-{name}-*.tar")))
    rows = []
    for rank in range(2):
        own = lambda urls, rank=rank: (url for i, url in enumerate(urls) if i % 2 == rank)  # noqa: E731
        rows += wds.WebDataset(shards, shardshuffle=False, nodesplitter=own).decode("rgb8").to_tuple("__key__", "png", "cls")
    splits[name].check((index_of(key), image, label) for key, image, label in rows)


@each_split
def test_timm_reads_its_info_file(export, splits, name: str) -> None:
    timm_data = pytest.importorskip("timm.data")
    data = timm_data.create_dataset("wds/", root=str(export("png", shard_size=64)), split=HUB_SPLITS[name], batch_size=1)
    assert len(data) == COUNTS[name]
    splits[name].check_unnamed((np.asarray(image), label) for image, label in data)


def test_timm_reads_the_image_folder(export, splits) -> None:
    timm_data = pytest.importorskip("timm.data")
    data = timm_data.create_dataset("", root=str(export("png", layout="folder")), split="valid")
    names = [data.filename(i) for i in range(len(data))]
    splits["valid"].check((index_of(name), *data[i]) for i, name in enumerate(names))
