"""The HDF5 files in a PyTorch DataLoader with several workers, the fork-safe way.

    pcam download --split train
    python3 h5py_dataloader.py pcam train

An open HDF5 file must not cross a fork: the processes would share one file position and one cache, and read each
other's bytes. So each worker opens the files itself, when it is asked for its first patch. Needs torch and h5py.
"""
import json
import os
import sys

import h5py
import torch


class Patches(torch.utils.data.Dataset):
    def __init__(self, folder, split):
        stem = os.path.join(folder, f"camelyonpatch_level_2_split_{split}")
        self.path = f"{stem}_x.h5"
        self.images = None
        self.owner = None
        # Labels are small: read at once, and the file is closed again.
        with h5py.File(f"{stem}_y.h5", "r") as file:
            self.labels = torch.from_numpy(file["y"][:].reshape(-1)).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if self.owner != os.getpid():
            self.images = h5py.File(self.path, "r")["x"]
            self.owner = os.getpid()
        image = torch.from_numpy(self.images[index])  # (96, 96, 3)
        return image.permute(2, 0, 1), self.labels[index]

    def __getstate__(self):
        # For workers that are spawned, not forked: an open file cannot be pickled.
        return {**self.__dict__, "images": None, "owner": None}


def main(folder="pcam", split="valid"):
    loader = torch.utils.data.DataLoader(Patches(folder, split), batch_size=64, shuffle=True, num_workers=2)
    patches = positive = total = 0
    for images, labels in loader:  # uint8 (n, 3, 96, 96), int64 (n)
        patches += len(labels)
        positive += int(labels.sum())
        total += int(images.sum(dtype=torch.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
