#!/usr/bin/python3
"""Compares an export with the HDF5 and CSV files it was made from: every pixel, label and meta row.

Usage: check_export.py KIND DATA OUT [SIDE]   KIND is webdataset, imagefolder, torchvision, shards-npy or folder-npy
Prints the number of patches compared as JSON by split; any difference is an error.
"""
import csv
import glob
import io
import json
import os
import sys
import tarfile

import h5py
import numpy as np
from PIL import Image

COLUMNS = ("wsi", "coord_x", "coord_y", "tumor_patch", "center_tumor_patch")
SPLITS = ("train", "valid", "test")


class Reference:
    def __init__(self, data, split, side):
        stem = os.path.join(data, f"camelyonpatch_level_2_split_{split}")
        margin = (96 - side) // 2
        with h5py.File(f"{stem}_x.h5", "r") as file:
            self.x = file["x"][:, margin : margin + side, margin : margin + side]
        with h5py.File(f"{stem}_y.h5", "r") as file:
            self.y = file["y"][:].reshape(-1)
        with open(f"{stem}_meta.csv", newline="") as file:
            self.meta = list(csv.DictReader(file))

    def check(self, index, pixels, label, meta=None):
        assert pixels.dtype == np.uint8 and np.array_equal(pixels, self.x[index]), f"pixels of {index}"
        assert int(label) == self.y[index], f"label of {index}"
        if meta is not None:
            for column in COLUMNS:
                assert str(meta[column]) == self.meta[index][column], f"{column} of {index}"


def pixels_of(data):
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG" and image.mode == "RGB"
        return np.asarray(image)


def webdataset(out, split, reference):
    seen = 0
    for path in sorted(glob.glob(os.path.join(out, f"pcam-{split}-*.tar"))):
        with open(path, "rb") as raw, open(path[:-4] + ".idx") as index_file, tarfile.open(path) as tar:
            version, samples = index_file.readline().split()
            assert version == "v1.2"
            members = tar.getmembers()
            assert len(members) == 3 * int(samples)
            for start in range(0, len(members), 3):
                sample = {}
                fields = index_file.readline().split()
                for place, member in enumerate(members[start : start + 3]):
                    assert member.isreg() and (member.mode, member.uid, member.gid) == (0o644, 0, 0)
                    key, extension = member.name.split(".", 1)
                    assert key == f"{split}_{seen:06d}"
                    sample[extension] = tar.extractfile(member).read()
                    # DALI reads straight from these places.
                    group = fields[4 * place : 4 * place + 4]
                    assert group == [extension, str(member.offset_data), str(member.size), member.name], group
                    raw.seek(int(group[1]))
                    assert raw.read(int(group[2])) == sample[extension]
                facts = json.loads(sample["json"])
                assert (facts["split"], facts["index"], facts["label"]) == (split, seen, int(sample["cls"]))
                reference.check(seen, pixels_of(sample["png"]), sample["cls"], facts)
                seen += 1
            assert index_file.readline() == ""
    return seen


def imagefolder(out, split, reference):
    with open(os.path.join(out, split, "metadata.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    for index, row in enumerate(rows):
        assert row["file_name"] == f"{row['label']}/{split}_{index:06d}.png"
        with open(os.path.join(out, split, row["file_name"]), "rb") as file:
            reference.check(index, pixels_of(file.read()), row["label"], row)
    files = sum(len(names) for _, _, names in os.walk(os.path.join(out, split)))
    assert files == len(rows) + 1, "files beside the listed ones"
    return len(rows)


def torchvision(out, split, reference):
    from torchvision.datasets import ImageFolder

    images = ImageFolder(os.path.join(out, split))
    assert images.class_to_idx == {"0": 0, "1": 1}
    for (image, label), (path, _) in zip(images, images.samples):
        reference.check(int(path[-10:-4]), np.asarray(image), label)
    return len(images)


def npy(paths, reference):
    seen = 0
    for path in paths:
        x = np.load(path, mmap_mode="r")
        folder, name = os.path.split(path)
        y = np.load(os.path.join(folder, name.replace("-x", "-y")), mmap_mode="r")
        assert isinstance(x, np.memmap) and x.offset % 64 == 0 and x.flags["C_CONTIGUOUS"]
        assert x.dtype == y.dtype == np.uint8 and y.shape == x.shape[:1]
        for pixels, label in zip(x, y):
            reference.check(seen, pixels, label)
            seen += 1
    return seen


def main():
    kind, data, out = sys.argv[1:4]
    side = int(sys.argv[4]) if len(sys.argv) > 4 else 96
    compared = {}
    for split in SPLITS:
        reference = Reference(data, split, side)
        if kind == "shards-npy":
            count = npy(sorted(glob.glob(os.path.join(out, f"pcam-{split}-x-*.npy"))), reference)
        elif kind == "folder-npy":
            count = npy([os.path.join(out, f"{split}-x.npy")], reference)
        else:
            count = {"webdataset": webdataset, "imagefolder": imagefolder, "torchvision": torchvision}[kind](
                out, split, reference
            )
        assert count == len(reference.y), f"{count} patches of {len(reference.y)}"
        compared[split] = count
    print(json.dumps(compared))


main()
