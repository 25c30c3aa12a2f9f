"""Keras 3, JAX and Grain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import COUNTS, Split, each_split, index_of

import pcam


@each_split
def test_keras_image_dataset_from_directory(export, splits: dict[str, Split], name: str) -> None:
    keras = pytest.importorskip("keras")
    folder = export("png", layout="folder") / name
    data = keras.utils.image_dataset_from_directory(folder, image_size=(96, 96), shuffle=False, batch_size=50, verbose=False)
    assert data.class_names == ["0", "1"]
    indices = [index_of(path) for path in data.file_paths]
    rows = [(image, label) for images, labels in data for image, label in zip(images.numpy(), labels.numpy())]
    assert all(np.array_equal(image, image.round()) for image, _ in rows)
    splits[name].check((index, image.astype(np.uint8), label) for index, (image, label) in zip(indices, rows))


@each_split
def test_jax_takes_what_numpy_maps(export, splits, name: str) -> None:
    jax = pytest.importorskip("jax")
    folder = export("raw", layout="folder")
    images = np.load(folder / f"{name}-x.npy", mmap_mode="r")
    labels = np.load(folder / f"{name}-y.npy")
    rows = []
    for start in range(0, len(labels), 64):
        batch = jax.device_put((images[start : start + 64], labels[start : start + 64]))
        rows += [(start + i, image, label) for i, (image, label) in enumerate(zip(*map(np.asarray, batch)))]
    splits[name].check(rows)


@each_split
def test_grain_on_raw(export, splits, name: str) -> None:
    grain = pytest.importorskip("grain")
    folder = export("raw", layout="folder")
    images = np.load(folder / f"{name}-x.npy", mmap_mode="r")
    labels = np.load(folder / f"{name}-y.npy")
    order = grain.MapDataset.range(len(labels)).shuffle(seed=3)
    rows = list(order.map(lambda i: (int(i), images[i], labels[i])))
    assert [index for index, *_ in rows] != list(range(COUNTS[name]))
    splits[name].check(rows)


@each_split
def test_grain_on_patches(dataset: Path, splits, name: str) -> None:
    grain = pytest.importorskip("grain")
    data = grain.MapDataset.source(pcam.Patches(dataset, split=name)).batch(32)
    rows = [row for images, labels in data for row in zip(images, labels)]
    splits[name].check((i, image, label) for i, (image, label) in enumerate(rows))
