"""WebDataset shards in PyTorch, shuffled, over several workers.

    pcam export --format png --split train
    python3 webdataset_loader.py pcam-png train

Needs torch, webdataset and Pillow.
"""
import glob
import json
import os
import sys

import torch
import webdataset as wds


def main(folder="pcam-png", split="valid"):
    shards = sorted(glob.glob(os.path.join(folder, f"pcam-{split}-*.tar")))
    data = (
        # shardshuffle: the order of the shards; shuffle: within a buffer. Labels are not in random order in the files.
        wds.WebDataset(shards, shardshuffle=len(shards), nodesplitter=wds.split_by_node)
        .shuffle(4096)
        .decode("torchrgb8")
        .to_tuple("png", "cls")
    )
    # A worker without a shard would have nothing to do.
    loader = torch.utils.data.DataLoader(data.batched(64), batch_size=None, num_workers=min(2, len(shards)))
    patches = positive = total = 0
    for images, labels in loader:  # uint8 (n, 3, 96, 96), int64 (n)
        patches += len(labels)
        positive += int(labels.sum())
        total += int(images.sum(dtype=torch.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
