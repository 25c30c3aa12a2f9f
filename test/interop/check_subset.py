#!/usr/bin/python3
"""Compares a subset with the data set that it was made from: by h5py, and by torchvision's PCAM where asked for.

Usage: check_subset.py DATA ROOT [torchvision]   the subset is in ROOT/pcam
Prints the number of patches compared as JSON by split.
"""
import csv
import json
import sys

import h5py
import numpy as np


def main():
    data, root = sys.argv[1:3]
    compared = {}
    for split in ("train", "valid", "test"):
        name = f"camelyonpatch_level_2_split_{split}"
        with open(f"{root}/pcam/{name}_meta.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        with open(f"{data}/{name}_meta.csv", newline="") as file:
            whole = list(csv.DictReader(file))
        # As pandas writes it, the index column has no name.
        indices = [int(row[""]) for row in rows]
        assert [whole[index] for index in indices] == rows
        with h5py.File(f"{data}/{name}_x.h5", "r") as a, h5py.File(f"{root}/pcam/{name}_x.h5", "r") as b:
            x = b["x"]
            assert x.shape == (len(indices), 96, 96, 3) and x.dtype == np.uint8 and x.chunks is None
            pixels = np.stack([a["x"][index] for index in indices])
            assert np.array_equal(x[:], pixels)
        with h5py.File(f"{data}/{name}_y.h5", "r") as a, h5py.File(f"{root}/pcam/{name}_y.h5", "r") as b:
            assert b["y"].shape == (len(indices), 1, 1, 1) and b["y"].dtype == np.uint8
            labels = b["y"][:].reshape(-1)
            assert np.array_equal(labels, a["y"][:].reshape(-1)[indices])
        if sys.argv[3:] == ["torchvision"]:
            from torchvision.datasets import PCAM

            loaded = PCAM(root, split="val" if split == "valid" else split)
            assert len(loaded) == len(indices)
            for (image, label), expected, wanted in zip(loaded, pixels, labels):
                assert np.array_equal(np.asarray(image), expected) and label == wanted
        compared[split] = len(indices)
    print(json.dumps(compared))


main()
