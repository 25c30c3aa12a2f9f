#!/usr/bin/python3
"""Mean and population standard deviation of each channel, as everyone computes them. Usage: moments.py X.H5."""
import json
import sys

import h5py
import numpy as np

count, total, squares = 0, np.zeros(3), np.zeros(3)
with h5py.File(sys.argv[1], "r") as file:
    x = file["x"]
    for start in range(0, len(x), 256):
        pixels = x[start : start + 256].reshape(-1, 3).astype(np.float64)
        count += len(pixels)
        total += pixels.sum(axis=0)
        squares += (pixels * pixels).sum(axis=0)
mean = total / count
print(json.dumps([mean.tolist(), np.sqrt(squares / count - mean * mean).tolist()]))
