#!/usr/bin/python3
"""Makes a data set of PCam's format and of any size from real tissue, for the benchmarks.

Patches are random crops, turned and mirrored, of the immunohistochemistry picture that comes with scikit-image,
with a little sensor noise (sigma 1), so that they compress about as badly as the real ones (gzip to 0.89).
Writes the nine files and a manifest.json with all their digests, in flat memory: the archives as one gzip member
each, deflated in blocks on all cores, and with --keep-h5 the decompressed files beside them.
Needs Debian's python3-h5py, python3-numpy, python3-pil and python3-skimage.
"""
import argparse
import hashlib
import json
import os
import struct
import time
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import skimage
from PIL import Image

SIZE, BATCH, BLOCK = 96, 1024, 4 << 20
SPLITS = ("train", "valid", "test")


def orientations():
    """The eight turns and mirrorings of the picture, int16, so that noise can be added without overflow."""
    path = os.path.join(os.path.dirname(skimage.__file__), "data", "ihc.png")
    picture = np.asarray(Image.open(path).convert("RGB")).astype(np.int16)
    turned = [np.rot90(picture, k) for k in range(4)]
    return [np.ascontiguousarray(p) for p in turned + [t[:, ::-1] for t in turned]]


def write_images(path, count, rng, pictures):
    # One pool of noise, read at random places: drawing fresh numbers would take longer than all the rest.
    patch_values = SIZE * SIZE * 3
    noise = np.rint(rng.normal(0, 1, 64 * patch_values)).astype(np.int16)
    limit = pictures[0].shape[0] - SIZE + 1
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (count, SIZE, SIZE, 3), "u1")
        for start in range(0, count, BATCH):
            n = min(BATCH, count - start)
            batch = np.empty((n, SIZE, SIZE, 3), np.uint8)
            places = rng.integers(0, limit, (n, 2))
            turns = rng.integers(0, len(pictures), n)
            offsets = rng.integers(0, noise.size - patch_values, n)
            for i in range(n):
                top, left = places[i]
                patch = pictures[turns[i]][top : top + SIZE, left : left + SIZE]
                patch = patch + noise[offsets[i] : offsets[i] + patch_values].reshape(patch.shape)
                np.clip(patch, 0, 255, out=batch[i], casting="unsafe")
            x[start : start + n] = batch


def write_labels(path, count, rng):
    """Half ones, half zeros, in random order."""
    labels = (rng.permutation(count) < count // 2).astype(np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("y", data=labels.reshape(-1, 1, 1, 1))
    return labels


def write_meta(path, split, labels, rng):
    """The columns of the real files; no slide is in two splits."""
    kinds = {
        "train": [f"camelyon16_train_{k}_{i:03d}" for k in ("tumor", "normal") for i in range(1, 55)],
        "valid": [f"camelyon16_train_{k}_{i:03d}" for k in ("tumor", "normal") for i in range(55, 100)],
        "test": [f"camelyon16_test_{i:03d}" for i in range(1, 130)],
    }[split]
    count = len(labels)
    slides = rng.integers(0, len(kinds), count)
    places = rng.integers(0, 90_000, (count, 2))
    border = rng.random(count) < 0.2
    with open(path, "w", newline="\n") as file:
        file.write(",coord_y,coord_x,tumor_patch,center_tumor_patch,wsi\n")
        for i in range(count):
            y, x = places[i]
            centre = bool(labels[i])
            file.write(f"{i},{y},{x},{centre or bool(border[i])},{centre},{kinds[slides[i]]}\n")


def deflate(block, dictionary, last):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, *([dictionary] if dictionary else []))
    return packer.compress(block) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def gzip_file(source, target, pool):
    """One gzip member, its blocks deflated side by side as pigz does; returns the digests of both files."""
    digests = {"md5": hashlib.md5(), "sha256": hashlib.sha256(), "extracted": hashlib.md5()}
    total = os.path.getsize(source)
    crc, written, pending = 0, 0, deque()

    with open(source, "rb") as reader, open(target, "wb") as writer:

        def put(data):
            nonlocal written
            digests["md5"].update(data)
            digests["sha256"].update(data)
            writer.write(data)
            written += len(data)

        put(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
        done, tail = 0, b""
        while done < total:
            block = reader.read(BLOCK)
            done += len(block)
            pending.append(pool.submit(deflate, block, tail, done == total))
            digests["extracted"].update(block)
            crc = zlib.crc32(block, crc)
            tail = block[-32768:]
            if len(pending) > 2 * (os.cpu_count() or 1):
                put(pending.popleft().result())
        while pending:
            put(pending.popleft().result())
        put(struct.pack("<II", crc, total & 0xFFFFFFFF))
    return written, total, {name: digest.hexdigest() for name, digest in digests.items()}


def digest_file(path):
    md5, sha256, total = hashlib.md5(), hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            md5.update(block)
            sha256.update(block)
            total += len(block)
    return total, md5.hexdigest(), sha256.hexdigest()


def plain_entry(path, split, kind):
    total, md5, sha256 = digest_file(path)
    return {"name": os.path.basename(path), "split": split, "kind": kind, "bytes": total, "md5": md5, "sha256": sha256}


def archive_entry(path, split, kind, pool, keep):
    written, total, digests = gzip_file(path, path + ".gz", pool)
    if kind == "images":
        print(f"  gzip ratio {written / total:.3f}")
    if not keep:
        os.remove(path)
    return {
        "name": os.path.basename(path) + ".gz", "split": split, "kind": kind, "bytes": written,
        "md5": digests["md5"], "sha256": digests["sha256"],
        "extracted": {"name": os.path.basename(path), "md5": digests["extracted"], "bytes": total},
    }  # fmt: skip


def make_split(out, split, count, rng, pictures, pool, options):
    stem = os.path.join(out, f"camelyonpatch_level_2_split_{split}")
    started = time.perf_counter()
    write_images(f"{stem}_x.h5", count, rng, pictures)
    labels = write_labels(f"{stem}_y.h5", count, rng)
    write_meta(f"{stem}_meta.csv", split, labels, rng)
    print(f"{split}: {count} patches made in {time.perf_counter() - started:.1f} s")

    started = time.perf_counter()
    entries = []
    for kind, name, shape in (("images", "x", [count, SIZE, SIZE, 3]), ("labels", "y", [count, 1, 1, 1])):
        path = f"{stem}_{name}.h5"
        entry = plain_entry(path, split, kind) if options.plain else archive_entry(path, split, kind, pool, options.keep_h5)
        entries.append({**entry, "array": {"path": name, "shape": shape}})
    entries.append(plain_entry(f"{stem}_meta.csv", split, "meta"))
    print(f"{split}: {'digests' if options.plain else 'gzip and digests'} in {time.perf_counter() - started:.1f} s")
    return entries


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder for the nine files and manifest.json")
    for split in SPLITS:
        parser.add_argument(f"--{split}", type=int, default=64, metavar="N", help="patches (default 64; 0 leaves it out)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-h5", action="store_true", help="leave the decompressed files beside the archives")
    parser.add_argument("--plain", action="store_true", help="no archives: the manifest serves the .h5 files as they are")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    pictures = orientations()
    files = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for index, split in enumerate(SPLITS):
            count = getattr(options, split)
            if count > 0:
                rng = np.random.default_rng([options.seed, index])
                files += make_split(options.out, split, count, rng, pictures, pool, options)
    manifest = {
        "schemaVersion": 1, "dataset": "pcam-tissue", "license": "CC0-1.0", "citation": [],
        "sources": {"local": {"type": "file", "baseUrl": "."}}, "files": files,
    }  # fmt: skip
    with open(os.path.join(options.out, "manifest.json"), "w") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
