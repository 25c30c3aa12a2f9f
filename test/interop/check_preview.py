#!/usr/bin/python3
"""Finds every patch of a contact sheet at its place, as PIL and h5py see them.

Usage: check_preview.py DATA SHEET DOCUMENT SCALE   DOCUMENT is what `pcam preview --json` printed
Prints the number of patches compared.
"""
import json
import sys

import h5py
import numpy as np
from PIL import Image


def main():
    data, sheet, document, scale = sys.argv[1:4] + [int(sys.argv[4])]
    with open(document) as file:
        told = json.load(file)
    with Image.open(sheet) as image:
        assert image.format == "PNG" and image.mode == "RGB" and image.size == (told["width"], told["height"])
        picture = np.asarray(image)
    ring = np.zeros((96, 96), bool)
    ring[31:65, 31:65] = True
    ring[32:64, 32:64] = False
    for patch in told["patches"]:
        stem = f"{data}/camelyonpatch_level_2_split_{patch['split']}"
        with h5py.File(f"{stem}_x.h5", "r") as x, h5py.File(f"{stem}_y.h5", "r") as y:
            expected = x["x"][patch["index"]].copy()
            label = int(y["y"][patch["index"]].reshape(()))
        assert label == patch["label"], patch
        if label:
            expected[ring] = (0, 255, 0)
        left, top, size = patch["x"], patch["y"], patch["size"]
        assert size == 96 * scale, patch
        found = picture[top : top + size, left : left + size]
        assert np.array_equal(found, expected.repeat(scale, 0).repeat(scale, 1)), patch
    print(len(told["patches"]))


main()
