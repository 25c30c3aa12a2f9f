"""From a data set folder to an accuracy, in PyTorch: a small convolutional network, one epoch after another.

    pcam fixture small && pcam download --manifest small/manifest.json --dir data/pcam   # or the real data
    python3 train.py data 4

Needs torch, torchvision and h5py. On the fixture it is right for nearly all patches; on the real data, a start.
"""
import sys

import torch
from torch import nn
from torchvision.datasets import PCAM
from torchvision.transforms.functional import pil_to_tensor


def loader(root, split, shuffle):
    data = PCAM(root, split=split, transform=lambda image: pil_to_tensor(image).float() / 255, download=False)
    return torch.utils.data.DataLoader(data, batch_size=32, shuffle=shuffle)


def accuracy(model, batches):
    model.eval()
    with torch.no_grad():
        right = [(model(x).argmax(1) == y).float() for x, y in batches]
    return torch.cat(right).mean().item()


def main(root="data", epochs="4"):
    torch.manual_seed(0)
    block = lambda n, m: [nn.Conv2d(n, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU(), nn.MaxPool2d(2)]
    layers = [*block(3, 16), *block(16, 32), *block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)]
    # The centre, 32 x 32 px, decides the label; a margin around it helps at the borders of the filters.
    model = nn.Sequential(nn.ZeroPad2d(-24), *layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train, valid = loader(root, "train", shuffle=True), loader(root, "val", shuffle=False)
    for epoch in range(int(epochs)):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: accuracy {accuracy(model, valid):.3f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
