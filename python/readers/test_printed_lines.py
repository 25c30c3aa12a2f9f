"""The line of Python that `pcam export` prints for each format, run as it is, without a warning."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import need

#: Format, layout, the library that the line names, and what has to be imported for it.
LINES = [
    ("png", "shards", "webdataset", "import webdataset"),
    ("png", "folder", "torchvision", "import torchvision"),
    ("raw", "shards", "numpy", "import numpy"),
    ("raw", "folder", "numpy", "import numpy"),
    ("parquet", "shards", "datasets", "import datasets"),
    ("tfrecord", "shards", "tfds", "import tensorflow_datasets as tfds"),
    ("clip-benchmark", "shards", "clip_benchmark", "import clip_benchmark.datasets.builder"),
]


@pytest.mark.parametrize("format, layout, library, imports", LINES)
def test_the_printed_line_runs(archives, dataset, tmp_path, format: str, layout: str, library: str, imports: str) -> None:
    need({"tfds": "tensorflow_datasets"}.get(library, library))
    command = [sys.executable, "-m", "pcam", "export", "--dir", dataset, "--manifest", archives / "manifest.json"]
    command += ["--format", format, "--layout", layout, "--out", tmp_path / "out"]
    exported = subprocess.run(command, check=True, capture_output=True, text=True)
    (line,) = re.findall(rf"^ *({library}\..*)$", exported.stdout + exported.stderr, re.M)
    # The builder of clip_benchmark warns of the way in which it calls webdataset itself.
    strict = [] if library == "clip_benchmark" else ["-W", "error::UserWarning"]
    code = f"{imports}\ndata = {line}\nprint(sum(1 for _ in data))"
    done = subprocess.run([sys.executable, *strict, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 0
