#!/usr/bin/python3
"""Compares WebDataset shards with a folder of PNGs and with the HDF5, pixel by pixel, label by label.

Usage: export_compare.py X.H5 Y.H5 BASELINE SHARDS, or `-` as BASELINE to compare with the HDF5 alone.
Prints patches and the bytes of the shards' PNG files.
"""
import glob
import io
import os
import sys
import tarfile

import h5py
import numpy as np
from PIL import Image

x_path, y_path, baseline, shards = sys.argv[1:5]
seen = png_bytes = 0
with h5py.File(x_path, "r") as x_file, h5py.File(y_path, "r") as y_file:
    x, y = x_file["x"], y_file["y"][:].reshape(-1)
    for path in sorted(glob.glob(os.path.join(shards, "*.tar"))):
        with tarfile.open(path) as tar:
            sample = {}
            for member in tar:
                sample[member.name.split(".", 1)[1]] = tar.extractfile(member).read()
                if len(sample) < 3:
                    continue
                pixels = np.asarray(Image.open(io.BytesIO(sample["png"])))
                assert np.array_equal(pixels, x[seen]), f"patch {seen} differs"
                if baseline != "-":
                    path = os.path.join(baseline, str(int(sample["cls"])), f"{seen:06d}.png")
                    assert np.array_equal(pixels, np.asarray(Image.open(path))), f"patch {seen} differs"
                assert int(sample["cls"]) == y[seen], f"label {seen} differs"
                png_bytes += len(sample["png"])
                seen += 1
                sample = {}
assert seen == len(y), f"{seen} patches of {len(y)}"
print(seen, png_bytes)
