"""PyTorch Lightning: a data module over `pcam.Patches`, and a small network to train with it.

    pcam fixture small && pcam download --manifest small/manifest.json   # or the real data
    python3 lightning_module.py pcam 4

Needs lightning, torch, numpy and pcam. On the fixture it is right for nearly all patches; on the real data, a start.
"""
import sys

import lightning
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler

import pcam

BATCH = 32
# Channel by channel, on the scale of 0 to 255: what `pcam stats --split train` prints.
MEAN, STD = torch.tensor([178.69, 137.28, 176.36]), torch.tensor([59.92, 70.74, 54.29])


class PCam(lightning.LightningDataModule):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def loader(self, split, shuffle=False):
        data = pcam.Patches(self.folder, split=split)
        sampler = RandomSampler(data) if shuffle else SequentialSampler(data)
        # Whole batches, without worker processes: `Patches` gathers a batch faster than a worker could send it.
        return DataLoader(data, sampler=BatchSampler(sampler, BATCH, drop_last=shuffle), batch_size=None)

    def train_dataloader(self):
        return self.loader("train", shuffle=True)

    def val_dataloader(self):
        return self.loader("valid")

    def test_dataloader(self):
        return self.loader("test")

    def on_after_batch_transfer(self, batch, dataloader_idx):
        # Only now is it float32: four times fewer bytes went to the device.
        images, labels = batch
        images = (images - MEAN.to(images.device)) / STD.to(images.device)  # (n, 96, 96, 3)
        return images.permute(0, 3, 1, 2), labels


class Network(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        block = lambda n, m: [nn.Conv2d(n, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU(), nn.MaxPool2d(2)]
        layers = [*block(3, 16), *block(16, 32), *block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)]
        # The centre, 32 x 32 px, decides the label; a margin around it helps at the borders of the filters.
        self.model = nn.Sequential(nn.ZeroPad2d(-24), *layers)

    def training_step(self, batch, _):
        images, labels = batch
        return nn.functional.cross_entropy(self.model(images), labels)

    def validation_step(self, batch, _):
        images, labels = batch
        right = (self.model(images).argmax(1) == labels).float().mean()
        self.log("accuracy", right, batch_size=len(labels))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


def main(folder="pcam", epochs="4"):
    lightning.seed_everything(0, verbose=False)
    options = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer = lightning.Trainer(max_epochs=int(epochs), **options)
    trainer.fit(Network(), PCam(folder))
    print(f"accuracy {trainer.callback_metrics['accuracy']:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
