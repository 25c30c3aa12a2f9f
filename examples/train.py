"""From a data set folder to an accuracy, in PyTorch: a small convolutional network, one epoch after another.

    pcam fixture small && pcam download --manifest small/manifest.json   # or the real data
    python3 train.py pcam 4

Needs torch, numpy and pcam. On the fixture it is right for nearly all patches; on the real data, a start.
"""
import sys

import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler

import pcam

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BATCH = 32
# Channel by channel, on the scale of 0 to 255: what `pcam stats --split train` prints.
MEAN, STD = torch.tensor([178.69, 137.28, 176.36]), torch.tensor([59.92, 70.74, 54.29])


def loader(folder, split, shuffle):
    data = pcam.Patches(folder, split=split)
    sampler = RandomSampler(data) if shuffle else SequentialSampler(data)
    # Whole batches, without worker processes: `Patches` gathers a batch faster than a worker could send it.
    return DataLoader(data, sampler=BatchSampler(sampler, BATCH, drop_last=shuffle), batch_size=None)


def to_device(images, labels):
    images = images.to(DEVICE).float()  # (n, 96, 96, 3)
    return ((images - MEAN.to(DEVICE)) / STD.to(DEVICE)).permute(0, 3, 1, 2), labels.to(DEVICE)


def accuracy(model, batches):
    model.eval()
    with torch.no_grad():
        right = [(model(x).argmax(1) == y).float() for x, y in (to_device(*batch) for batch in batches)]
    return torch.cat(right).mean().item()


def main(folder="pcam", epochs="4"):
    torch.manual_seed(0)
    block = lambda n, m: [nn.Conv2d(n, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU(), nn.MaxPool2d(2)]
    layers = [*block(3, 16), *block(16, 32), *block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)]
    # The centre, 32 x 32 px, decides the label; a margin around it helps at the borders of the filters.
    model = nn.Sequential(nn.ZeroPad2d(-24), *layers).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train, valid = loader(folder, "train", shuffle=True), loader(folder, "valid", shuffle=False)
    for epoch in range(int(epochs)):
        model.train()
        for x, y in (to_device(*batch) for batch in train):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: accuracy {accuracy(model, valid):.3f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
