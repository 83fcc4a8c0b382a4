"""Pictures that are no photographs: plain colours, checkers, noise and so on, 32 x 32 pixels in three channels of 8 bits.

A network for CIFAR-10 is evaluated under encryption on fixed intervals, and nobody can look at the picture that a client
encrypts. These kinds of pictures therefore have to stay inside the intervals too. `pictures` makes them from a seed. The kinds
in KINDS are for training and measuring; those in UNSEEN_KINDS are for measuring only, so that they tell whether the intervals
hold for a kind that training never met. (The intervals of the ReLU network also count saturated noise, see `measure_odd.py`.)
"""
import itertools
import numpy as np

SIDE = 32
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE]
CORNERS = np.array(list(itertools.product([0, 255], repeat=3)), float)            # black, white and the six saturated colours
GRID = np.array(list(itertools.product([0, 64, 128, 192, 255], repeat=3)), float)


def colour(rng):
    """A colour: saturated in two cases of three, else any."""
    return CORNERS[rng.integers(8)] if rng.random() < 2 / 3 else rng.integers(0, 256, 3).astype(float)


def two_colours(rng):
    """Two colours that differ in a channel by 32 or more."""
    while True:
        a, b = colour(rng), colour(rng)
        if np.abs(a - b).max() >= 32:
            return a, b


def paint(mask, rng):
    """Two colours, by a mask in [0, 1]."""
    a, b = two_colours(rng)
    return a + mask[..., None] * (b - a)


def enlarged(cells, scale):
    """Each cell as a square of `scale` pixels."""
    return cells.repeat(scale, 0).repeat(scale, 1)[:SIDE, :SIDE]


def black(rng, photograph, index):
    depth = 0 if index == 0 else rng.integers(0, 17)
    return rng.integers(0, depth + 1, 3) + (rng.integers(0, depth + 1, (SIDE, SIDE, 3)) if rng.random() < 0.5 else np.zeros((SIDE, SIDE, 3)))


def white(rng, photograph, index):
    return 255 - black(rng, photograph, index)


def plain_colour(rng, photograph, index):
    return np.broadcast_to(GRID[index] if index < len(GRID) else colour(rng), (SIDE, SIDE, 3))


def checkers(rng, photograph, index):
    side, dy, dx = 2 ** rng.integers(0, 5), *rng.integers(0, SIDE, 2)
    return paint(((ROWS + dy) // side + (COLUMNS + dx) // side) % 2, rng)


def stripes(rng, photograph, index):
    across = [ROWS, COLUMNS, ROWS + COLUMNS, ROWS - COLUMNS][rng.integers(4)] + rng.integers(0, SIDE)
    period = rng.integers(2, 17)
    return paint((across % period < rng.integers(1, period)).astype(float), rng)


def uniform_noise(rng, photograph, index):
    scale, channels = 2 ** rng.integers(0, 4), 3 if rng.random() < 0.75 else 1
    return np.broadcast_to(enlarged(rng.integers(0, 256, (SIDE, SIDE, channels)), scale), (SIDE, SIDE, 3))


def gaussian_noise(rng, photograph, index):
    channels = 3 if rng.random() < 0.75 else 1
    return rng.integers(0, 256, 3) + rng.uniform(10, 160) * rng.standard_normal((SIDE, SIDE, channels))


def salt_and_pepper(rng, photograph, index):
    """Black and white pixels, or saturated ones, on a plain colour or a photograph; up to all of them."""
    ground = photograph if rng.random() < 0.5 else np.broadcast_to(colour(rng), (SIDE, SIDE, 3))
    grains = rng.integers(0, 2, (SIDE, SIDE, 3 if rng.random() < 0.5 else 1)) * 255
    scale = 2 ** rng.integers(0, 3)
    return np.where(enlarged(rng.random((SIDE, SIDE, 1)) < rng.random(), scale), enlarged(grains, scale), ground)


def saturated_noise(rng, photograph, index):
    """Every cell black, white or one of the six saturated colours."""
    return enlarged(CORNERS[rng.integers(0, 8, (SIDE, SIDE))], 1 if index % 2 == 0 else 2 ** rng.integers(1, 4))


def gradient(rng, photograph, index):
    angle, (cy, cx) = rng.uniform(0, 2 * np.pi), rng.uniform(0, SIDE, 2)
    along = ROWS * np.cos(angle) + COLUMNS * np.sin(angle) if rng.random() < 0.7 else np.hypot(ROWS - cy, COLUMNS - cx)
    return paint((along - along.min()) / np.ptp(along), rng)


def text_like_blocks(rng, photograph, index):
    """Lines of small random glyphs."""
    height, width, mask = rng.integers(3, 9), rng.integers(2, 7), np.zeros((SIDE, SIDE))
    for top, left in itertools.product(range(rng.integers(0, 3), SIDE, height + rng.integers(1, 4)), range(rng.integers(0, 3), SIDE, width + 1)):
        if rng.random() < 0.85:
            glyph = rng.random((height, width)) < 0.6
            mask[top:top + height, left:left + width] = glyph[:SIDE - top, :SIDE - left]
    return paint(mask, rng)


def sinusoids(rng, photograph, index):
    """One wave in each channel, or the same one in all."""
    waves = 3 if rng.random() < 0.6 else 1
    fy, fx, phase = rng.uniform(-0.5, 0.5, waves), rng.uniform(-0.5, 0.5, waves), rng.uniform(0, 1, waves)
    wave = np.sin(2 * np.pi * (ROWS[..., None] * fy + COLUMNS[..., None] * fx + phase))
    return np.broadcast_to(127.5 + rng.uniform(30, 250) * wave, (SIDE, SIDE, 3))


def inverted_photograph(rng, photograph, index):
    return 255 - photograph


def high_contrast_photograph(rng, photograph, index):
    """Contrast about the middle, saturation about the grey value, or both, up to eightfold."""
    out = photograph.astype(float)
    if rng.random() < 0.6:
        grey = out.mean(2, keepdims=True)
        out = grey + rng.uniform(1.5, 8) * (out - grey)
    return rng.choice([127.5, out.mean()]) + rng.uniform(1.5, 8) * (out - out.mean())


def posterised_photograph(rng, photograph, index):
    levels = rng.integers(2, 5)
    return np.round(photograph / 255 * (levels - 1)) * (255 / (levels - 1))


def edges_and_points(rng, photograph, index):
    """A few pixels, lines or half planes of one colour on another."""
    mask = np.zeros((SIDE, SIDE))
    for _ in range(rng.integers(1, 4)):
        y, x = rng.integers(0, SIDE, 2)
        area = [(slice(y, y + 1), slice(x, x + 1)), (slice(y, y + 1), slice(None)), (slice(None), slice(x, x + 1)),
                (slice(y, None), slice(None)), (slice(None), slice(x, None)), (slice(y, None), slice(x, None))][rng.integers(6)]
        mask[area] = 1
    return paint(mask, rng)


def collage(rng, photograph, index):
    """Four quarters or two halves of other kinds."""
    parts = [KINDS[rng.choice(SINGLE)](rng, photograph, 1000) for _ in range(4)]
    y, x = rng.integers(4, SIDE - 4, 2)
    out = np.array(parts[0], float)
    out[y:, :x], out[:y, x:], out[y:, x:] = parts[1][y:, :x], parts[2][:y, x:], parts[3][y:, x:]
    return out


def rings(rng, photograph, index):
    (cy, cx), period = rng.uniform(0, SIDE, 2), rng.uniform(2, 16)
    return paint((np.hypot(ROWS - cy, COLUMNS - cx) % period < period / 2).astype(float), rng)


def shuffled_photograph(rng, photograph, index):
    """The pixels of a photograph in another order."""
    return rng.permutation(photograph.reshape(-1, 3)).reshape(SIDE, SIDE, 3)


def photograph_of_swapped_channels(rng, photograph, index):
    """Red, green and blue in another order, one of them perhaps inverted."""
    out = photograph[..., rng.permutation(3)].astype(float)
    channel = rng.integers(4)
    if channel < 3:
        out[..., channel] = 255 - out[..., channel]
    return out


KINDS = {
    "black": black, "white": white, "plain colours": plain_colour, "checkers": checkers, "stripes": stripes, "uniform noise": uniform_noise,
    "Gaussian noise": gaussian_noise, "salt and pepper": salt_and_pepper, "gradients": gradient, "text-like blocks": text_like_blocks,
    "sinusoids": sinusoids, "inverted photographs": inverted_photograph, "high-contrast photographs": high_contrast_photograph,
    "posterised photographs": posterised_photograph, "edges and points": edges_and_points, "collages": collage,
}
SINGLE = [kind for kind in KINDS if kind != "collages"]
UNSEEN_KINDS = {"saturated noise": saturated_noise, "rings": rings, "shuffled photographs": shuffled_photograph,
                "photographs of swapped channels": photograph_of_swapped_channels}


def pictures(kind, count, rng, photographs):
    """`count` pictures of a kind, uint8 (count, 32, 32, 3); photographs (uint8, same shape) are drawn from where a kind needs one."""
    make, out = {**KINDS, **UNSEEN_KINDS}[kind], np.empty((count, SIDE, SIDE, 3), np.uint8)
    for index in range(count):
        picture = make(rng, photographs[rng.integers(len(photographs))], index)
        out[index] = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return out


def mixture(count, rng, photographs):
    """`count` pictures of the kinds in KINDS, each kind as likely as another."""
    names = list(KINDS)
    out = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i, kind in enumerate(rng.integers(0, len(names), count)):
        picture = KINDS[names[kind]](rng, photographs[rng.integers(len(photographs))], rng.integers(0, 1000))
        out[i] = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return out
