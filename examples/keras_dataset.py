"""Keras 3, on any of its backends, from NumPy arrays that are mapped into memory.

    pcam export --format raw --layout folder
    KERAS_BACKEND=jax python3 keras_dataset.py pcam-raw-folder

Needs keras 3, one of its backends, and numpy.
"""
import os
import sys

import keras
import numpy as np


class Patches(keras.utils.PyDataset):
    def __init__(self, folder, split, batch_size=64, seed=0, **options):
        super().__init__(**options)
        self.images = np.load(os.path.join(folder, f"{split}-x.npy"), mmap_mode="r")
        self.labels = np.load(os.path.join(folder, f"{split}-y.npy"))
        self.batch_size = batch_size
        self.random = np.random.default_rng(seed)
        self.order = np.arange(len(self.labels))
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index):
        chosen = np.sort(self.order[index * self.batch_size : (index + 1) * self.batch_size])
        return self.images[chosen].astype("float32") / 255, self.labels[chosen]

    def on_epoch_end(self):
        self.random.shuffle(self.order)


def main(folder="pcam-raw-folder"):
    model = keras.Sequential(
        [
            keras.Input((96, 96, 3)),
            keras.layers.Conv2D(16, 5, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(Patches(folder, "train", workers=2), validation_data=Patches(folder, "valid"), epochs=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
