#!/usr/bin/python3
"""What everyone writes: h5py and PIL in one process, an image a patch, in a folder for each label.

Usage: export_baseline.py X.H5 Y.H5 OUT. Prints seconds and the bytes of the PNG files.
"""
import os
import sys
import time

import h5py
from PIL import Image

x_path, y_path, out = sys.argv[1:4]
started = time.perf_counter()
for label in "01":
    os.makedirs(os.path.join(out, label), exist_ok=True)
total = 0
with h5py.File(x_path, "r") as x_file, h5py.File(y_path, "r") as y_file:
    x, y = x_file["x"], y_file["y"]
    for i in range(len(x)):
        path = os.path.join(out, str(int(y[i].squeeze())), f"{i:06d}.png")
        Image.fromarray(x[i]).save(path)
        total += os.path.getsize(path)
print(f"{time.perf_counter() - started:.2f} {total} {len(os.listdir(os.path.join(out, '0'))) + len(os.listdir(os.path.join(out, '1')))}")
