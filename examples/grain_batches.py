"""Shuffled batches from Grain, JAX's loader, which can be saved and continued in the middle of an epoch.

    pcam download --split valid
    python3 grain_batches.py pcam valid

Needs grain, numpy and pcam.
"""
import json
import sys

import grain
import numpy as np

import pcam


def batches(folder, split, size=64, seed=0):
    """Whole batches: Grain shuffles the indices, and `Patches` gathers each batch at once."""
    data = pcam.Patches(folder, split=split)
    indices = grain.MapDataset.range(len(data)).shuffle(seed=seed).batch(size)
    return indices.map(lambda batch: data[batch])  # uint8 (n, 96, 96, 3), int64 (n)


def main(folder="pcam", split="valid"):
    patches = positive = total = 0
    for images, labels in batches(folder, split).to_iter_dataset():
        patches += len(labels)
        positive += int(labels.sum())
        total += int(images.sum(dtype=np.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
