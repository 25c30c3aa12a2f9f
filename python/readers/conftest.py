"""One synthetic data set, its exports, and what h5py reads of it: what the readers are compared with.

A library that is missing skips its tests; with --no-skips, as in CI, a skip is a failure. Each file is run in a process of its
own: TensorFlow and PyTorch's Triton in one process crash.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import os
from pathlib import Path
from typing import Callable, Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Everything is read from local files: no library has anything to fetch.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import h5py
import numpy as np
import pytest
from PIL import Image

import pcam

#: vtab-1k takes 800 patches of train and 200 of valid.
COUNTS = {"train": 820, "valid": 210, "test": 100}
#: The splits, and what Hugging Face, TFDS and the files of the exports call them.
HUB_SPLITS = {"train": "train", "valid": "validation", "test": "test"}
META = ("wsi", "coord_x", "coord_y", "tumor_patch", "center_tumor_patch")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter.stats.get("skipped"):
        reporter.write_line("\nSkipped tests, and --no-skips was given.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Split:
    """What h5py reads of one split."""

    def __init__(self, dataset: Path, name: str) -> None:
        stem = dataset / f"camelyonpatch_level_2_split_{name}"
        with h5py.File(f"{stem}_x.h5") as x, h5py.File(f"{stem}_y.h5") as y:
            self.images, self.labels = x["x"][()], y["y"][()].reshape(-1).astype(np.int64)
        self.name = name
        assert self.images.shape == (COUNTS[name], 96, 96, 3)

    def check(self, patches: Iterable[tuple[int, object, int]], indices: Iterable[int] | None = None, side: int = 96) -> None:
        """`patches` are (index, image, label): each of the split's, or of `indices`, once, with its pixels and label."""
        edge = (96 - side) // 2
        seen = set()
        for index, image, label in patches:
            expected = self.images[index, edge : edge + side, edge : edge + side]
            pixels = np.asarray(image)
            assert pixels.dtype == np.uint8 and np.array_equal(pixels, expected), f"pixels of {self.name} {index}"
            assert int(label) == self.labels[index], f"label of {self.name} {index}"
            assert index not in seen, f"{self.name} {index} was read twice"
            seen.add(index)
        assert seen == set(range(len(self.labels)) if indices is None else indices)

    def check_unnamed(self, patches: Iterable[tuple[object, int]]) -> None:
        """The same for readers that lose the index: images are found by their pixels, of which some are repeated."""
        found = sorted((np.asarray(image).tobytes(), int(label)) for image, label in patches)
        assert found == sorted((image.tobytes(), int(label)) for image, label in zip(self.images, self.labels))

    def tfds_order(self) -> list[int]:
        """TFDS sorts by a hash of the split's name there and the key of the record."""
        hub = HUB_SPLITS[self.name]
        return sorted(range(len(self.labels)), key=lambda i: hashlib.md5(f"{hub}{self.name}_{i}".encode()).digest())


def index_of(name: str) -> int:
    """The index in a key of pcam (train_000042), a path that ends in one, or an id of TFDS (train_42)."""
    return int(name.rsplit("/", 1)[-1].split(".")[0].rsplit("_", 1)[1])


def decode(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fixture") / "archives"
    pcam.fixture(folder, **COUNTS, seed=24, progress=False)
    return folder


@pytest.fixture(scope="session")
def dataset(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pcam"
    pcam.download(folder, manifest=archives / "manifest.json", progress=False)
    return folder


@pytest.fixture(scope="session")
def splits(dataset: Path) -> dict[str, Split]:
    return {name: Split(dataset, name) for name in COUNTS}


@pytest.fixture(scope="session")
def export(archives: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes an export once, and gives its folder. Tests do not change it."""

    @functools.cache
    def make(format: str, at: str | None = None, **options: object) -> Path:
        folder = tmp_path_factory.mktemp(format) / (at or "out")
        manifest = archives / "manifest.json"
        pcam.export(dataset, format=format, out=folder, manifest=manifest, progress=False, **options)
        return folder

    return make


@pytest.fixture(scope="session")
def own_tfds(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What TFDS's own builder makes of the same files; only its download is replaced."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds-own")
    local = lambda _, urls: {key: dataset / Path(url).name.removesuffix(".gz") for key, url in urls.items()}  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds.download.DownloadManager, "download_and_extract", local)
        tfds.builder("patch_camelyon", data_dir=folder).download_and_prepare()
    return folder


def need(*libraries: str) -> None:
    """Skips the test where one is missing, without importing it: for those whose code runs in a process of its own."""
    for library in libraries:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"no {library}")


each_split = pytest.mark.parametrize("name", COUNTS)
