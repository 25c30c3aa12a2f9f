#!/usr/bin/python3
"""Compares `pcam stats --json` with NumPy and hashlib over the HDF5 and CSV files that it is about.

Usage: check_stats.py DATA STATS.json [TABLE.csv]   Prints the patches compared as JSON by split; a difference is an error.
"""
import collections
import csv
import hashlib
import itertools
import json
import os
import sys

import h5py
import numpy as np

SPLITS = ("train", "valid", "test")


class Split:
    def __init__(self, data, name):
        stem = os.path.join(data, f"camelyonpatch_level_2_split_{name}")
        with h5py.File(stem + "_x.h5", "r") as file:
            self.x = file["x"][:]
        with h5py.File(stem + "_y.h5", "r") as file:
            self.y = file["y"][:].reshape(-1)
        with open(stem + "_meta.csv", newline="") as file:
            self.meta = list(csv.DictReader(file))
        self.sha1 = [hashlib.sha1(patch.tobytes()).hexdigest() for patch in self.x]


def check_channels(found, x):
    pixels = x.reshape(-1, 3)
    assert np.allclose(found["mean"], pixels.mean(axis=0, dtype=np.float64), rtol=1e-12, atol=0), "mean"
    assert np.allclose(found["std"], pixels.std(axis=0, dtype=np.float64), rtol=1e-9, atol=0), "std"
    for channel in range(3):
        counts = np.bincount(pixels[:, channel], minlength=256).tolist()
        assert found["histogram"][channel] == counts, f"histogram of channel {channel}"


def check_split(found, split):
    y, sha1 = split.y, split.sha1
    copies = collections.Counter(sha1)
    assert found["patches"] == len(y)
    assert (found["positive"], found["negative"]) == (int((y == 1).sum()), int((y == 0).sum()))
    assert found["unique"] == len(copies)
    check_channels(found["channels"], split.x)
    extra = [i for i, digest in enumerate(sha1) if sha1.index(digest) != i]
    labels = collections.defaultdict(set)
    for digest, label in zip(sha1, y):
        labels[digest].add(int(label))
    assert found["duplicates"] == {
        "extra": len(extra),
        "groups": sum(n > 1 for n in copies.values()),
        "largest": max(copies.values()),
        "positive": int(sum(y[i] == 1 for i in extra)),
        "negative": int(sum(y[i] == 0 for i in extra)),
        "conflicting": sum(len(both) == 2 for both in labels.values()),
    }, found["duplicates"]
    flat = split.x.reshape(len(y), -1, 3)
    colours = [tuple(p[0].tolist()) for p in flat if (p == p[0]).all()]
    white, black = colours.count((255, 255, 255)), colours.count((0, 0, 0))
    assert found["uniform"] == {"white": white, "black": black, "other": len(colours) - white - black}
    slides = collections.Counter(row["wsi"] for row in split.meta)
    positive = collections.Counter(row["wsi"] for row, label in zip(split.meta, y) if label == 1)
    expected = [{"wsi": wsi, "patches": n, "positive": positive[wsi]} for wsi, n in sorted(slides.items())]
    assert found["slides"] == len(slides) and found["perSlide"] == expected


def check_table(path, splits):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    at = 0
    for name in SPLITS:
        split = splits[name]
        copies = collections.Counter(split.sha1)
        for i, (digest, label, meta) in enumerate(zip(split.sha1, split.y, split.meta)):
            row = rows[at]
            at += 1
            assert (row["split"], int(row["index"]), int(row["label"])) == (name, i, int(label))
            assert (row["sha1"], int(row["copies"])) == (digest, copies[digest])
            assert int(row["first"]) == split.sha1.index(digest)
            for column in ("coord_x", "coord_y", "tumor_patch", "center_tumor_patch", "wsi"):
                assert row[column] == meta[column], column
    assert at == len(rows)


def main():
    data, path = sys.argv[1:3]
    with open(path) as file:
        stats = json.load(file)
    splits = {name: Split(data, name) for name in SPLITS}
    assert [found["split"] for found in stats["splits"]] == list(SPLITS)
    for found in stats["splits"]:
        check_split(found, splits[found["split"]])
    everything = [split.x for split in splits.values()]
    check_channels(stats["all"]["channels"], np.concatenate(everything))
    assert stats["all"]["unique"] == len({digest for split in splits.values() for digest in split.sha1})
    assert stats["all"]["patches"] == sum(map(len, everything))
    shared = []
    for a, b in itertools.combinations(SPLITS, 2):
        slides = [{row["wsi"] for row in splits[name].meta} for name in (a, b)]
        contents = [set(splits[name].sha1) for name in (a, b)]
        shared.append(
            {"splits": [a, b], "slides": len(slides[0] & slides[1]), "patches": len(contents[0] & contents[1])}
        )
    assert stats["shared"] == shared, stats["shared"]
    if len(sys.argv) > 3:
        check_table(sys.argv[3], splits)
    print(json.dumps({name: len(split.y) for name, split in splits.items()}))


main()
