"""Reading speed of pcam.Patches beside torchvision's PCAM, in one run: random batches of 256, each checked against h5py.

    python bench/patches.py FOLDER [SPLIT]        FOLDER is the data set folder; it must be called pcam for torchvision

One process, a DataLoader with two workers (fork and spawn), and from a cold disk beside a plain memmap (needs root, to drop
the page cache). Prints patches per second and ratios.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Subset
from torchvision.datasets import PCAM

import pcam

BATCH = 256
PREFIX = "camelyonpatch_level_2_split_"


def to_tensor(image):
    return torch.from_numpy(np.asarray(image)).permute(2, 0, 1)


def rate(batches, patches):
    began = time.perf_counter()
    seen = sum(len(labels) for _, labels in batches)
    assert seen == patches, (seen, patches)
    return seen / (time.perf_counter() - began)


def one_process(data, theirs, order):
    ours = rate((data[order[at : at + BATCH]] for at in range(0, len(order), BATCH)), len(order))
    few = order[: 20 * BATCH]
    items = lambda at: list(zip(*[theirs[int(i)] for i in few[at : at + BATCH]]))  # noqa: E731
    return ours, rate(((None, items(at)[1]) for at in range(0, len(few), BATCH)), len(few))


def loader(data, theirs, count, method):
    sampler = BatchSampler(RandomSampler(data, generator=torch.Generator().manual_seed(0)), BATCH, drop_last=True)
    whole = DataLoader(data, sampler=sampler, batch_size=None, num_workers=2, multiprocessing_context=method)
    ours = rate(whole, count // BATCH * BATCH)
    few = 20 * BATCH
    plain = DataLoader(
        Subset(theirs, range(few)), batch_size=BATCH, shuffle=True, num_workers=2, multiprocessing_context=method
    )
    return ours, rate(plain, few)


def drop_cache():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def from_cold_disk(folder, split, order):
    few = order[: 8 * BATCH]
    data = pcam.Patches(folder, split=split)
    drop_cache()
    ours = rate((data[few[at : at + BATCH]] for at in range(0, len(few), BATCH)), len(few))
    with h5py.File(folder / f"{PREFIX}{split}_x.h5") as file:
        offset, shape = file["x"].id.get_offset(), file["x"].shape
    mapped = np.memmap(folder / f"{PREFIX}{split}_x.h5", np.uint8, "r", offset, shape)
    drop_cache()
    take = ((mapped[few[at : at + BATCH]], few[at : at + BATCH]) for at in range(0, len(few), BATCH))
    return ours, rate(take, len(few))


def check(data, folder, split, order):
    with h5py.File(folder / f"{PREFIX}{split}_x.h5") as x, h5py.File(folder / f"{PREFIX}{split}_y.h5") as y:
        images, labels = data[order[:BATCH]]
        for i, index in enumerate(order[:BATCH]):
            assert np.array_equal(images[i], x["x"][int(index)]) and labels[i] == int(y["y"][int(index)].item())


def main():
    folder = Path(sys.argv[1]).resolve()
    split = sys.argv[2] if len(sys.argv) > 2 else "valid"
    data = pcam.Patches(folder, split=split)
    theirs = PCAM(str(folder.parent), split="val" if split == "valid" else split, transform=to_tensor)
    order = np.random.default_rng(0).permutation(len(data))
    check(data, folder, split, order)
    data[order[:BATCH]]
    tensor = pcam.Patches(folder, split=split)
    rows = [("one process", one_process(data, theirs, order))]
    for method in ("fork", "spawn"):
        try:
            rows.append((f"DataLoader, 2 workers, {method}", loader(tensor, theirs, len(data), method)))
        except (TypeError, AttributeError) as error:
            # torchvision's PCAM cannot be pickled: https://github.com/pytorch/vision/issues/9195
            sampler = BatchSampler(RandomSampler(tensor), BATCH, drop_last=True)
            whole = DataLoader(tensor, sampler=sampler, batch_size=None, num_workers=2, multiprocessing_context=method)
            rows.append((f"DataLoader, 2 workers, {method}", (rate(whole, len(data) // BATCH * BATCH), None)))
            print(f"torchvision's PCAM fails with {method}: {error}")
    if os.geteuid() == 0 and os.access("/proc/sys/vm/drop_caches", os.W_OK):
        rows.append(("cold disk, beside a memmap", from_cold_disk(folder, split, order)))
    for name, (ours, other) in rows:
        beside = "" if other is None else f"   {other:>9,.0f}   {ours / other:5.1f} times"
        print(f"{name:32}{ours:>12,.0f}{beside}")


if __name__ == "__main__":
    main()
