"""Ray Data over the Parquet shards: decoded by all cores of a cluster, in batches for training or inference.

    pcam export --format parquet
    python3 ray_data.py pcam-parquet train

Each shard is read by one task, so that the number of shards bounds how many nodes read. Needs ray[data], numpy and Pillow.
"""
import glob
import io
import json
import os
import sys

import numpy as np
import ray
from PIL import Image


def decode(rows):
    """A batch of rows, as columns: the bytes of each PNG become pixels."""
    images = [np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in rows["image"]]
    return {"image": np.stack(images), "label": rows["label"]}


def main(folder="pcam-parquet", split="train"):
    files = sorted(glob.glob(os.path.join(folder, "data", f"{split}-*.parquet")))
    data = ray.data.read_parquet(files, columns=["image", "label"], shuffle="files").map_batches(decode, batch_size=256)
    patches = positive = total = 0
    for batch in data.iter_batches(batch_size=256, local_shuffle_buffer_size=4096):  # uint8 (n, 96, 96, 3), int64 (n)
        patches += len(batch["label"])
        positive += int(batch["label"].sum())
        total += int(batch["image"].sum(dtype=np.int64))
    print(json.dumps({"patches": patches, "positive": positive, "pixel_sum": total}))


if __name__ == "__main__":
    main(*sys.argv[1:])
