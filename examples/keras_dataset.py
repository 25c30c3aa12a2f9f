"""Keras 3, on any of its backends: the example of PCam's own README, whose HDF5Matrix and fit_generator are gone.

    pcam fixture small && pcam download --manifest small/manifest.json   # or the real data
    KERAS_BACKEND=tensorflow python3 keras_dataset.py pcam 4

Needs keras 3, one of its backends, numpy and pcam. On the fixture it is right for nearly all patches; on the real data, a start.
"""
import sys

import keras
import numpy as np
from keras import layers

import pcam

BATCH = 32
# Channel by channel, on the scale of 0 to 255: what `pcam stats --split train` prints.
MEAN, STD = [178.69, 137.28, 176.36], [59.92, 70.74, 54.29]


class Batches(keras.utils.PyDataset):
    """Every epoch has batches of its own: `fit` alone would shuffle them, and not what is in them."""

    def __init__(self, folder, split, shuffle=False):
        super().__init__()
        self.data = pcam.Patches(folder, split=split)
        self.order = np.arange(len(self.data))
        self.random = np.random.default_rng(0) if shuffle else None
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.order) // BATCH)

    def __getitem__(self, i):
        return self.data[self.order[i * BATCH : (i + 1) * BATCH]]  # uint8 (n, 96, 96, 3), int64 (n)

    def on_epoch_end(self):
        if self.random:
            self.random.shuffle(self.order)


def main(folder="pcam", epochs="4"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((96, 96, 3)), layers.Normalization(mean=MEAN, variance=np.square(STD))])
    # The centre, 32 x 32 px, decides the label; a margin around it helps at the borders of the filters.
    model.add(layers.CenterCrop(48, 48))
    for filters in (16, 32, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=["accuracy"])
    train, valid = Batches(folder, "train", shuffle=True), Batches(folder, "valid")
    history = model.fit(train, validation_data=valid, epochs=int(epochs), shuffle=False, verbose=0).history
    for epoch, accuracy in enumerate(history["val_accuracy"]):
        print(f"epoch {epoch + 1}: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
