"""`pcam.Patches` against h5py: every way to index, every layout, pickling, threads, forks, errors."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pcam
from conftest import PREFIX

h5py = pytest.importorskip("h5py")


def expected(folder: Path, split: str) -> Any:
    with h5py.File(folder / f"{PREFIX}{split}_x.h5") as x, h5py.File(folder / f"{PREFIX}{split}_y.h5") as y:
        return x["x"][()], y["y"][()].reshape(-1).astype(np.int64)


@pytest.mark.parametrize("split", ["train", "valid", "val", "validation", "test"])
def test_every_patch_equals_h5py(dataset: Path, split: str) -> None:
    name = {"val": "valid", "validation": "valid"}.get(split, split)
    images, labels = expected(dataset, name)
    data = pcam.Patches(dataset, split=split)
    assert len(data) == len(images)
    got_images, got_labels = data[:]
    assert np.array_equal(got_images, images) and np.array_equal(got_labels, labels)
    for i in (0, 1, len(images) - 1, -1, -len(images)):
        image, label = data[i]
        assert np.array_equal(image, images[i]) and label == labels[i]
        assert type(label) is int and image.dtype == np.uint8 and image.flags.writeable


def test_batches_of_every_kind_of_index(dataset: Path) -> None:
    images, labels = expected(dataset, "train")
    data = pcam.Patches(dataset, split="train")
    mask = np.arange(len(images)) % 7 == 3
    for index in ([3, 1, 5], np.array([3, 1, 5], dtype=np.uint16), [-1, 0, -1], slice(5, 50, 3), slice(None, None, -1), mask, []):
        at = np.asarray(index, dtype=np.int64) if isinstance(index, list) else index
        got_images, got_labels = data[index]
        assert np.array_equal(got_images, images[at]) and np.array_equal(got_labels, labels[at])
        assert got_images.dtype == np.uint8 and got_labels.dtype == np.int64 and got_images.flags.writeable
    pairs = data.__getitems__([4, 2])
    assert isinstance(pairs, list) and np.array_equal(pairs[1][0], images[2]) and pairs[0][1] == labels[4]


def test_writing_into_a_batch_leaves_the_file_alone(copy: Path) -> None:
    data = pcam.Patches(copy, split="valid")
    image, _ = data[0]
    image[:] = 0
    batch, _ = data[[0, 1]]
    batch[:] = 0
    assert np.array_equal(data[:2][0], expected(copy, "valid")[0][:2])


def test_root_above_and_pcam_dir(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(pcam.Patches(dataset.parent, split="valid")) == 96
    monkeypatch.setenv("PCAM_DIR", str(dataset))
    assert len(pcam.Patches(split="valid")) == 96
    monkeypatch.delenv("PCAM_DIR")
    monkeypatch.chdir(dataset.parent)
    assert len(pcam.Patches(split="valid")) == 96


@pytest.mark.parametrize("split", ["test", "valid"])
def test_indices_unique_and_crop(dataset: Path, tmp_path: Path, split: str) -> None:
    images, labels = expected(dataset, split)
    wanted = [9, 3, 40]
    data = pcam.Patches(dataset, split=split, indices=wanted, crop="center32")
    assert np.array_equal(data[:][0], images[wanted][:, 32:64, 32:64]) and np.array_equal(data.labels, labels[wanted])
    assert data[1][0].shape == (32, 32, 3) and np.array_equal(data.indices, wanted)
    file = tmp_path / "indices.txt"
    file.write_bytes("\ufeff# chosen\r\n{0},9\r\n{0},3 # two\r\ntrain,1\r\n{0},40\r\n".format(split).encode())
    assert np.array_equal(pcam.Patches(dataset, split=split, indices=file).indices, wanted)
    unique = pcam.Patches(dataset, split=split, unique=True)
    _, first = np.unique(images.reshape(len(images), -1), axis=0, return_index=True)
    assert np.array_equal(unique.indices, np.sort(first))


def test_slides_are_those_of_the_meta_csv(dataset: Path) -> None:
    data = pcam.Patches(dataset, split="valid", indices=[5, 1])
    lines = (dataset / f"{PREFIX}valid_meta.csv").read_text().splitlines()
    column = lines[0].split(",").index("wsi")
    assert list(data.slides) == [lines[6].split(",")[column], lines[2].split(",")[column]]


def test_transforms(dataset: Path) -> None:
    data = pcam.Patches(dataset, split="valid", transform=lambda image: image / 255, target_transform=lambda label: 1 - label)
    plain = pcam.Patches(dataset, split="valid")
    assert np.array_equal(data[2][0], plain[2][0] / 255) and data[2][1] == 1 - plain[2][1]
    images, labels = data[[1, 2]]
    assert images.shape == (2, 96, 96, 3) and images.dtype == np.float64 and np.array_equal(labels, 1 - plain[[1, 2]][1])
    texts = pcam.Patches(dataset, split="valid", transform=lambda image: "x")[[1, 2]][0]
    assert texts == ["x", "x"]


def test_batches_cover_everything_once(dataset: Path) -> None:
    data = pcam.Patches(dataset, split="train")
    images, labels = expected(dataset, "train")
    plain = list(data.batches(64))
    assert [len(batch[1]) for batch in plain] == [64, 64, 64, 64, 44]
    assert np.array_equal(np.concatenate([batch[0] for batch in plain]), images)
    shuffled = np.concatenate([batch[1] for batch in data.batches(64, shuffle=True, seed=1)])
    assert not np.array_equal(shuffled, labels) and np.array_equal(np.sort(shuffled), np.sort(labels))
    again = np.concatenate([batch[1] for batch in data.batches(64, shuffle=True, seed=1)])
    assert np.array_equal(shuffled, again)
    assert len(list(data.batches(64, drop_last=True))) == 4
    with pytest.raises(ValueError):
        next(data.batches(0))


def test_pickles_small_and_reads_after_it(dataset: Path) -> None:
    data = pcam.Patches(dataset, split="train")
    data[[1, 2]]
    text = pickle.dumps(data)
    assert len(text) < 4096
    again = pickle.loads(text)
    assert np.array_equal(again[:][0], data[:][0]) and np.array_equal(again.labels, data.labels)
    some = pcam.Patches(dataset, split="train", indices=[7, 3, 250])
    assert np.array_equal(pickle.loads(pickle.dumps(some)).indices, [7, 3, 250])


def total(data: Any, queue: Any) -> None:
    queue.put(int(data[:][0].sum(dtype=np.int64)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_other_processes_read_the_same(dataset: Path, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    data = pcam.Patches(dataset, split="valid")
    here = int(data[:][0].sum(dtype=np.int64))
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=total, args=(data, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=60) for _ in children] == [here, here]
    for child in children:
        child.join()


def test_threads_read_the_same(dataset: Path) -> None:
    data = pickle.loads(pickle.dumps(pcam.Patches(dataset, split="train")))
    images, _ = expected(dataset, "train")
    wrong = []

    def read(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(images))
        if not np.array_equal(data[order][0], images[order]):
            wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


LAYOUTS = {
    "one-per-chunk": dict(chunks=(1, 96, 96, 3)),
    "seven-per-chunk": dict(chunks=(7, 96, 96, 3)),
    "parts-of-patches": dict(chunks=(16, 48, 48, 3)),
    "compressed": dict(chunks=(4, 96, 96, 3), compression="gzip"),
    "checksums": dict(chunks=(4, 96, 96, 3), fletcher32=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("labels", ["uint8", "<i8", ">i2", "compressed"])
def test_every_layout(copy: Path, layout: str, version: str, labels: str) -> None:
    images, values = expected(copy, "valid")
    x, y = copy / f"{PREFIX}valid_x.h5", copy / f"{PREFIX}valid_y.h5"
    with h5py.File(x, "w", libver=version) as file:
        file.create_dataset("x", data=images, **LAYOUTS[layout])
    with h5py.File(y, "w", libver=version) as file:
        shaped = values.reshape(-1, 1, 1, 1)
        if labels == "compressed":
            file.create_dataset("y", data=shaped.astype("u1"), chunks=(32, 1, 1, 1), compression="gzip")
        else:
            file.create_dataset("y", data=shaped.astype(labels))
    data = pcam.Patches(copy, split="valid")
    order = np.random.default_rng(0).permutation(len(images))
    assert np.array_equal(data[order][0], images[order])
    assert np.array_equal(data[order][1], values[order])


def test_out_of_range_says_how_many(dataset: Path) -> None:
    data = pcam.Patches(dataset, split="valid")
    for index in (96, -97, [0, 96]):
        with pytest.raises(IndexError, match="96"):
            data[index]
    with pytest.raises(IndexError, match="shape"):
        data[np.zeros(5, dtype=bool)]
    with pytest.raises(TypeError):
        data[[0.5]]
    with pytest.raises(pcam.PcamError, match="96"):
        pcam.Patches(dataset, split="valid", indices=[96])


def test_missing_and_wrong_files(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(pcam.PcamError, match="download") as caught:
        pcam.Patches(tmp_path / "nothing", split="train")
    assert caught.value.code == "MISSING"
    for arguments in (dict(split="training"), dict(split="valid", crop="center16")):
        with pytest.raises(pcam.PcamError):
            pcam.Patches(copy, **arguments)
    os.remove(copy / f"{PREFIX}test_y.h5")
    with pytest.raises(pcam.PcamError, match="_y.h5"):
        pcam.Patches(copy, split="test")
    os.remove(copy / f"{PREFIX}valid_meta.csv")
    with pytest.raises(pcam.PcamError, match="meta"):
        pcam.Patches(copy, split="valid").slides
    path = copy / f"{PREFIX}valid_x.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((96, 64, 64, 3), np.uint8)
    with pytest.raises(pcam.PcamError, match="96, 96"):
        pcam.Patches(copy, split="valid")
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((96, 96, 96, 3), np.float32)
    with pytest.raises(pcam.PcamError, match="uint8"):
        pcam.Patches(copy, split="valid")
    path.write_bytes(b"no HDF5")
    with pytest.raises(pcam.PcamError):
        pcam.Patches(copy, split="valid")


def test_a_file_that_was_cut_is_no_crash(copy: Path) -> None:
    path = copy / f"{PREFIX}valid_x.h5"
    data = pcam.Patches(copy, split="valid")
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(pcam.PcamError):
        pickle.loads(pickle.dumps(data))[95]
