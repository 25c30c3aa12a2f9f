#!/usr/bin/python3
"""Compares an export of some patches with the HDF5 file: every pixel, label and SHA-1, by the index that each one names.

Usage: check_selection.py DATA OUT SPLIT [SPLIT...]   OUT has one folder per kind: png, folder, raw
Prints, by split, the indices in the order of the export; the kinds have to agree.
"""
import csv
import glob
import hashlib
import io
import json
import os
import sys
import tarfile

import h5py
import numpy as np
from PIL import Image


def webdataset(out, split):
    for path in sorted(glob.glob(os.path.join(out, "png", f"pcam-{split}-*.tar"))):
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            for at in range(0, len(members), 3):
                png, label, facts = (tar.extractfile(member).read() for member in members[at : at + 3])
                facts = json.loads(facts)
                assert members[at].name == f"{split}_{facts['index']:06d}.png"
                yield facts["index"], np.asarray(Image.open(io.BytesIO(png))), int(label), facts["sha1"]


def folder(out, split):
    with open(os.path.join(out, "folder", split, "metadata.csv"), newline="") as file:
        for row in csv.DictReader(file):
            image = Image.open(os.path.join(out, "folder", split, row["file_name"]))
            yield int(row["index"]), np.asarray(image), int(row["label"]), row["sha1"]


def raw(out, split):
    for path in sorted(glob.glob(os.path.join(out, "raw", f"pcam-{split}-x-*.npy"))):
        arrays = [np.load(path.replace("-x-", f"-{name}-"), mmap_mode="r") for name in ("index", "x", "y")]
        assert arrays[0].dtype == np.int64
        for index, pixels, label in zip(*arrays):
            yield int(index), pixels, int(label), None


def check(source, x, y):
    order = []
    for index, pixels, label, sha1 in source:
        assert np.array_equal(pixels, x[index]), f"pixels of {index}"
        assert label == y[index], f"label of {index}"
        assert sha1 is None or sha1 == hashlib.sha1(x[index].tobytes()).hexdigest(), f"SHA-1 of {index}"
        order.append(index)
    return order


def main():
    data, out, *splits = sys.argv[1:]
    orders = {}
    for split in splits:
        stem = os.path.join(data, f"camelyonpatch_level_2_split_{split}")
        with h5py.File(stem + "_x.h5", "r") as file:
            x = file["x"][:]
        with h5py.File(stem + "_y.h5", "r") as file:
            y = file["y"][:].reshape(-1)
        found = [check(kind(out, split), x, y) for kind in (webdataset, folder, raw)]
        assert found[0] == found[1] == found[2], "the order differs between formats"
        orders[split] = found[0]
    print(json.dumps(orders))


main()
