#!/usr/bin/python3
"""What everyone writes to get arrays that can be mapped into memory: h5py and np.save. Usage: raw_baseline.py X.H5 Y.H5 OUT."""
import os
import sys

import h5py
import numpy as np

x_path, y_path, out = sys.argv[1:4]
os.makedirs(out)
for name, path in (("x", x_path), ("y", y_path)):
    with h5py.File(path, "r") as file:
        np.save(os.path.join(out, f"{name}.npy"), file[name][:])
