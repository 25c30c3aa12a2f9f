"""CLIP_benchmark on its format."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import COUNTS, Split, each_split, need


@each_split
def test_clip_benchmark_builder(export, splits: dict[str, Split], name: str) -> None:
    builder = pytest.importorskip("clip_benchmark.datasets.builder")
    folder = str(export("clip-benchmark", shard_size=64))
    data = builder.build_dataset("wds/vtab/pcam", root=folder, split=name, transform=np.asarray)
    assert data.classes == ["lymph node", "lymph node containing metastatic tumor tissue"]
    assert data.templates == ["a histopathology slide showing {c}", "histopathology image of {c}"]
    splits[name].check_unnamed(data)


def test_clip_benchmark_evaluates_to_its_end(export, splits, tmp_path) -> None:
    """With a model of random weights, from its own command line."""
    need("clip_benchmark", "open_clip")
    folder = export("clip-benchmark", shard_size=64)
    command = [sys.executable, "-m", "clip_benchmark.cli", "eval", "--dataset", "wds/vtab/pcam", "--dataset_root", str(folder)]
    command += ["--model", "ViT-S-32-alt", "--pretrained", "", "--num_workers", "1", "--no_amp", "--output", "result.json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    result = json.loads((tmp_path / "result.json").read_text())
    right = result["metrics"]["acc1"] * COUNTS["test"]
    assert result["dataset"] == "wds/vtab/pcam" and abs(right - round(right)) < 1e-6
