"""The examples whose libraries a distribution does not have, run as their headers say; test/interop runs the others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import COUNTS, Split, need

import pcam

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(script: str, *arguments: object, needs: tuple[str, ...], **environment: str) -> str:
    need(*needs)
    command = [sys.executable, EXAMPLES / script, *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def summary(split: Split) -> dict[str, int]:
    return {
        "patches": len(split.labels),
        "positive": int(split.labels.sum()),
        "pixel_sum": int(split.images.sum(dtype=np.int64)),
    }


def test_torchvision_pcam(dataset, splits) -> None:
    said = run("torchvision_pcam.py", dataset.parent, "val", needs=("torchvision",))
    assert json.loads(said) == summary(splits["valid"])


def test_webdataset_loader(export, splits) -> None:
    shards, needs = export("png", shard_size=64), ("torch", "webdataset")
    said = run("webdataset_loader.py", shards, "train", needs=needs, PYTHONWARNINGS="error::UserWarning")
    assert json.loads(said) == summary(splits["train"])


def test_grain_batches(dataset, splits) -> None:
    assert json.loads(run("grain_batches.py", dataset, "valid", needs=("grain",))) == summary(splits["valid"])


def test_ray_data(export, splits) -> None:
    said = run("ray_data.py", export("parquet", shard_size=128), "train", needs=("ray",))
    assert json.loads(said.splitlines()[-1]) == summary(splits["train"])


def test_jax_batches(dataset, splits) -> None:
    said = json.loads(run("jax_batches.py", dataset, "valid", needs=("jax",)))
    mean = splits["valid"].images.mean(axis=(0, 1, 2)) / 255
    assert said["patches"] == COUNTS["valid"] and said["positive"] == splits["valid"].labels.sum()
    assert np.allclose(said["mean"], mean, atol=1e-4)


def test_tensorflow_data(export, splits) -> None:
    said = run("tensorflow_data.py", export("tfrecord", shard_size=128), needs=("tensorflow", "tensorflow_datasets"))
    line = f"{COUNTS['valid']} patches, {splits['valid'].labels.sum()} positive\n"
    assert said == line * 2


def test_huggingface_datasets(export, tmp_path) -> None:
    needs = ("datasets",)
    said = run("huggingface_datasets.py", export("parquet", shard_size=128), needs=needs, HF_HOME=str(tmp_path))
    assert f"num_rows: {COUNTS['train']}" in said and "(96, 96)" in said


def test_duckdb_parquet(export, splits) -> None:
    slides, size = run("duckdb_parquet.py", export("parquet", shard_size=128), "train", needs=("duckdb",)).splitlines()
    counts = [tuple(map(int, row)) for row in re.findall(r", (\d+), (\d+)\)", slides)]
    assert sum(patches for patches, _ in counts) == COUNTS["train"]
    assert sum(positive for _, positive in counts) == splits["train"].labels.sum()
    assert re.fullmatch(r"\d+ bytes", size)


@pytest.mark.parametrize(
    "script, needs",
    [("train.py", ("torch",)), ("keras_dataset.py", ("keras",)), ("lightning_module.py", ("lightning",))],
)
def test_examples_that_train_learn(tmp_path, script: str, needs: tuple[str, ...]) -> None:
    pcam.fixture(tmp_path / "small", progress=False)
    pcam.download(tmp_path / "pcam", manifest=tmp_path / "small" / "manifest.json", progress=False)
    said = run(script, tmp_path / "pcam", 4, needs=needs)
    assert float(said.split()[-1]) > 0.9
