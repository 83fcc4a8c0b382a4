#!/usr/bin/env python3
"""Writes the harness's own plaintext model from shipped weights, under the names that its ResNet-20 has.

    python harness_model.py ../../datasets/assets/resnet20.safetensors SUITE/harness/cifar10/cifar10_resnet20_model.pth

Without that file the harness trains its model for 350 epochs the first time that it runs a batch. Needs torch and safetensors."""
import re, sys
import torch
from safetensors.torch import load_file

weights, out = sys.argv[1:]
state = {}
for name, tensor in load_file(weights).items():
    name = re.sub(r"^layer(\d)\.(\d)\.", lambda m: f"layer{m[1]}_block{int(m[2]) + 1}.", name)
    name = name.replace("downsample.0", "shortcut_conv").replace("downsample.1", "shortcut_bn")
    state[name] = tensor
    if name.endswith("running_mean"):
        state[name.replace("running_mean", "num_batches_tracked")] = torch.tensor(0)
torch.save(state, out)
print(f"{out}: {len(state)} tensors")
