"""Random batches from NumPy arrays that are mapped into memory, and so never read whole.

    pcam export --format raw --layout folder --split valid
    python3 numpy_memmap.py pcam-raw-folder valid

Needs numpy.
"""
import json
import os
import sys

import numpy as np


def batches(folder, split, size=64, seed=0):
    images = np.load(os.path.join(folder, f"{split}-x.npy"), mmap_mode="r")  # uint8 (n, 96, 96, 3)
    labels = np.load(os.path.join(folder, f"{split}-y.npy"))  # uint8 (n)
    order = np.random.default_rng(seed).permutation(len(labels))
    for start in range(0, len(order), size):
        # In the order of the file: neighbours are then read together.
        chosen = np.sort(order[start : start + size])
        yield images[chosen], labels[chosen]


def main(folder="pcam-raw-folder", split="valid"):
    patches = positive = total = 0
    for images, labels in batches(folder, split):
        patches += len(labels)
        positive += int(labels.sum())
        total += int(images.sum(dtype=np.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
