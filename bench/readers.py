#!/usr/bin/python3
"""Patches per second that one process reads from each format, in order and at random, pixels decoded.

Usage: readers.py X.H5 Y.H5 EXPORTS [PARQUET-JSON]. Prints a Markdown table. EXPORTS holds pcam's exports: png,
png-folder, raw-folder; PARQUET-JSON is what bench/parquet.mjs says of the bytes, to which decoding is added here.
Every reader's pixels and labels are compared with the HDF5 first.
"""
import glob
import io
import json
import os
import random
import sys
import tarfile
import time

import h5py
import numpy as np
from PIL import Image

SEQUENTIAL, RANDOM = 8192, 2048
x_path, y_path, exports = sys.argv[1:4]
x, y = h5py.File(x_path, "r")["x"], h5py.File(y_path, "r")["y"][:].reshape(-1)
count = len(y)
split = next(name for name in ("train", "valid", "test") if name in os.path.basename(x_path))
order = random.Random(0).sample(range(count), min(RANDOM, count))
first = range(min(SEQUENTIAL, count))


def decode(data):
    return np.asarray(Image.open(io.BytesIO(data)))


class Hdf5:
    name, size = "HDF5 (h5py), as downloaded", lambda self: os.path.getsize(x_path)

    def get(self, i):
        return x[i], y[i]

    def scan(self, indices):
        for start in range(0, len(indices), 256):
            batch = x[start : min(start + 256, len(indices))]
            for i, patch in enumerate(batch):
                yield patch, y[start + i]


class Folder:
    name = "PNG folder (PIL)"

    def __init__(self):
        paths = glob.glob(os.path.join(exports, "png-folder", split, "[01]", "*.png"))
        self.paths = {int(os.path.basename(p)[:-4].split("_")[1]): p for p in paths}

    def size(self):
        return sum(os.stat(p).st_blocks * 512 for p in self.paths.values())

    def get(self, i):
        path = self.paths[i]
        return np.asarray(Image.open(path)), int(os.path.basename(os.path.dirname(path)))

    def scan(self, indices):
        return map(self.get, indices)


class Tar:
    name = "WebDataset tar (tarfile, PIL)"

    def __init__(self):
        self.shards = sorted(glob.glob(os.path.join(exports, "png", "*.tar")))
        self.index = None

    def size(self):
        return sum(map(os.path.getsize, self.shards))

    def scan(self, indices):
        left = len(indices)
        for path in self.shards:
            with tarfile.open(path, "r|") as tar:
                for member in tar:
                    if member.name.endswith(".png"):
                        patch = decode(tar.extractfile(member).read())
                    elif member.name.endswith(".cls"):
                        yield patch, int(tar.extractfile(member).read())
                        left -= 1
                        if not left:
                            return

    def get(self, i):
        if self.index is None:  # not timed: a random reader keeps it
            self.index = []
            for path in self.shards:
                with tarfile.open(path) as tar:
                    members = [(m.name, m.offset_data, m.size) for m in tar]
                at = {n.split(".", 1)[1] + n.split(".", 1)[0]: (o, s) for n, o, s in members}
                keys = sorted({n.split(".", 1)[0] for n, _, _ in members})
                self.index += [(path, at["png" + k], at["cls" + k]) for k in keys]
            self.files = {path: open(path, "rb") for path in self.shards}
        path, (offset, size), (label_at, label_size) = self.index[i]
        file = self.files[path].fileno()
        return decode(os.pread(file, size, offset)), int(os.pread(file, label_size, label_at))


class Npy:
    name = "npy (np.load, mmap_mode='r')"

    def __init__(self):
        at = os.path.join(exports, "raw-folder", split)
        self.path = f"{at}-x.npy"
        self.x, self.y = np.load(self.path, mmap_mode="r"), np.load(f"{at}-y.npy", mmap_mode="r")

    def size(self):
        return os.path.getsize(self.path)

    def get(self, i):
        return np.array(self.x[i]), self.y[i]

    def scan(self, indices):
        return map(self.get, indices)


def timed(patches, n):
    began = time.perf_counter()
    total = 0
    for patch, label in patches:
        total += int(patch[48, 48, 0]) + int(label)
    return n / (time.perf_counter() - began)


def check(reader):
    for i, (patch, label) in enumerate(reader.scan(range(300))):
        assert np.array_equal(patch, x[i]) and label == y[i], f"{reader.name}: patch {i} differs"
    for i in order[:100]:
        patch, label = reader.get(i)
        assert np.array_equal(patch, x[i]) and label == y[i], f"{reader.name}: patch {i} differs"


def row(name, sequential, at_random, size):
    print(f"| {name} | {sequential:,.0f} | {at_random:,.0f} | {size / count / 1000:.1f} kB |")


print("| format (reader) | patches per second, in order | at random | on the disk, per patch |")
print("|---|---|---|---|")
for make in (Npy, Hdf5, Tar, Folder):
    reader = make()
    check(reader)
    rates = [
        (timed(reader.scan(first), len(first)), timed(map(reader.get, order), len(order))) for _ in range(3)
    ]
    row(reader.name, sorted(r[0] for r in rates)[1], sorted(r[1] for r in rates)[1], reader.size())
if len(sys.argv) > 4:
    parquet = json.loads(sys.argv[4])
    pngs = [open(p, "rb").read() for p in list(Folder().paths.values())[:2000]]
    began = time.perf_counter()
    for png in pngs:
        decode(png)
    each = (time.perf_counter() - began) / len(pngs)
    files = glob.glob(os.path.join(exports, "parquet", "data", "*.parquet"))
    rates = [1 / (1 / parquet[kind] + each) for kind in ("sequential", "random")]
    row("Parquet (DuckDB, PIL)", *rates, sum(map(os.path.getsize, files)))
