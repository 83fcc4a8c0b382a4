"""The folders and files of a call, by the contract of the FHE Benchmarking Suite."""
import pathlib
import sys

NAMES = ["single", "small", "medium", "large"]


def size():
    """The name of the size whose number is the program's argument."""
    return NAMES[int(sys.argv[1])]


def folder(name):
    """A folder of the call below io/, which is made if it is not there."""
    path = pathlib.Path("io") / size() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def images():
    """The images of the call: for each its 3072 numbers from 0 to 1."""
    path = pathlib.Path("datasets") / size() / "intermediate/test_pixels.txt"
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    for number, words in enumerate(lines, 1):
        if len(words) != 3072:
            sys.exit(f"{path}:{number}: found {len(words)} numbers, wanted 3072")
    return [[float(word) for word in words] for words in lines]


def numbered(path):
    """The files of a folder in the order of the numbers that they are named by."""
    return sorted(path.glob("*.bin"), key=lambda file: int(file.stem))
