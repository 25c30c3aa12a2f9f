"""Fixtures of the tests. They run against the installed wheel, never against the sources."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator

import pytest

import pcam

PREFIX = "camelyonpatch_level_2_split_"


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic PCam: nine archives and a manifest."""
    folder = tmp_path_factory.mktemp("fixture") / "archives"
    pcam.fixture(folder, train=300, valid=96, test=96, seed=7, progress=False)
    return folder


@pytest.fixture(scope="session")
def dataset(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set folder of it, called pcam. Tests do not change it."""
    folder = tmp_path_factory.mktemp("data") / "pcam"
    pcam.download(folder, manifest=archives / "manifest.json", progress=False)
    return folder


@pytest.fixture()
def copy(dataset: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy that a test may change."""
    folder = tmp_path / "pcam"
    shutil.copytree(dataset, folder)
    yield folder
