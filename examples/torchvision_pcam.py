"""torchvision's own PCAM class, on the folder that `pcam download` leaves.

    pcam download --split valid
    python3 torchvision_pcam.py . val

PCAM opens both files for every patch, and cannot be pickled (https://github.com/pytorch/vision/issues/9195), so that worker
processes fail wherever they are not forked: on Windows, on macOS, and everywhere from Python 3.14. Without workers it is right, and
slow; `pcam.Patches` (train.py) has neither limit. Needs torch, torchvision and h5py.
"""
import json
import sys

import torch
from torchvision.datasets import PCAM
from torchvision.transforms.functional import pil_to_tensor


def main(root=".", split="val"):
    # root is the folder that `pcam` is in; download=False, as the files are there and verified.
    data = PCAM(root, split=split, transform=pil_to_tensor, download=False)
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True, num_workers=0)
    patches = positive = total = 0
    for images, labels in loader:  # uint8 (n, 3, 96, 96), int64 (n)
        patches += len(labels)
        positive += int(labels.sum())
        total += int(images.sum(dtype=torch.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
