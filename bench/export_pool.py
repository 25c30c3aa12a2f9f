#!/usr/bin/python3
"""What people write when one process is too slow: h5py and PIL in a pool of two, each shard a tar for WebDataset.

Usage: export_pool.py X.H5 Y.H5 OUT.
"""
import io
import json
import multiprocessing
import os
import sys
import tarfile

import h5py
from PIL import Image

SHARD = 2048
x_path, y_path, out = sys.argv[1:4]


def write(number):
    with h5py.File(x_path, "r") as x_file, h5py.File(y_path, "r") as y_file:
        x, y = x_file["x"], y_file["y"]
        start, end = number * SHARD, min(len(x), (number + 1) * SHARD)
        with tarfile.open(os.path.join(out, f"{number:06d}.tar"), "w") as tar:

            def add(name, data):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

            for i in range(start, end):
                png = io.BytesIO()
                Image.fromarray(x[i]).save(png, "PNG")
                label = int(y[i].squeeze())
                add(f"{i:06d}.png", png.getvalue())
                add(f"{i:06d}.cls", str(label).encode())
                add(f"{i:06d}.json", json.dumps({"index": i, "label": label}).encode())


if __name__ == "__main__":
    os.makedirs(out)
    with h5py.File(x_path, "r") as file:
        shards = -(-len(file["x"]) // SHARD)
    with multiprocessing.Pool(2) as pool:
        pool.map(write, range(shards), chunksize=1)
