"""Parquet files in Hugging Face's datasets, from a folder or, once it is pushed there, from the hub.

    pcam export --format parquet
    python3 huggingface_datasets.py pcam-parquet

Needs datasets and Pillow. The folder has a dataset card: `hf upload USER/pcam pcam-parquet --repo-type dataset`.
"""
import sys

from datasets import load_dataset


def main(folder="pcam-parquet"):
    data = load_dataset(folder)  # DatasetDict of train, validation and test
    print(data)
    print(data["train"].features)  # image: Image, label: ClassLabel of normal and tumor, wsi, coord_x, ...
    example = data["train"].shuffle(seed=0)[0]
    print(example["image"].size, data["train"].features["label"].int2str(example["label"]))
    # For a first look without 6 GB: data = load_dataset(folder, streaming=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
