#!/usr/bin/env python3
"""How many odd pictures leave the intervals of a network, by kind and by activation.

    python measure_odd.py --data package --weights resnet20-chebyshev7.safetensors --each 200 --seed 3 --photographs test

A network with a polynomial of its own is evaluated with it, one for ReLU with the interpolant of degree 59 on 1.05 times the
larger of the card's ranges: on training images, and on odd pictures where it has that. A picture counts as outside where a value before any activation leaves its interval, and as lost where a logit is
not finite or beyond 1000. Needs torch, numpy, safetensors, pillow, ninja and a C++ compiler.
"""
import argparse, functools, json, pathlib
import numpy as np, torch
from torch.utils.cpp_extension import load_inline
import odd_pictures
from network import evaluate, read
from pictures import load

HEADROOM, DEGREE, LOST = 1.05, 59, 1000.0

KERNEL = r"""
#include <torch/extension.h>
#include <algorithm>

// Of x, float32: R s(x/R), s a Chebyshev series, by Clenshaw's recurrence; beyond the interval too.
torch::Tensor series(torch::Tensor x, std::vector<float> c, float half_width) {
    TORCH_CHECK(x.scalar_type() == torch::kFloat32 && x.is_non_overlapping_and_dense());
    auto out = torch::empty_like(x);
    const float* in = x.data_ptr<float>();
    float* o = out.data_ptr<float>();
    constexpr int64_t block = 512;
    at::parallel_for(0, (x.numel() + block - 1) / block, 64, [&](int64_t begin, int64_t end) {
        float v[block], b1[block], b2[block];
        for (int64_t b = begin; b < end; b++) {
            const int64_t from = b * block, n = std::min(block, x.numel() - from);
            for (int64_t i = 0; i < n; i++) v[i] = in[from + i] / half_width, b1[i] = b2[i] = 0;
            for (int k = int(c.size()) - 1; k > 0; k--)
                for (int64_t i = 0; i < n; i++) {
                    const float next = 2 * v[i] * b1[i] - b2[i] + c[k];
                    b2[i] = b1[i], b1[i] = next;
                }
            for (int64_t i = 0; i < n; i++) o[from + i] = half_width * (v[i] * b1[i] - b2[i] + c[0]);
        }
    });
    return out;
}
"""


@functools.cache
def kernel():
    return load_inline("series", KERNEL, functions=["series"], extra_cflags=["-O3", "-march=native", "-fopenmp"])


def chebyshev(degree):
    """The Chebyshev coefficients of the interpolant of ReLU at the Chebyshev nodes of [-1, 1]."""
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    return [float(c) for c in np.polynomial.chebyshev.chebfit(nodes, np.maximum(nodes, 0), degree)]


def with_polynomials(path):
    """The network as it is evaluated under encryption, with the interval of each activation, and its card."""
    model, card = read(path)
    if card.get("trained_with", {}).get("relu", "").startswith("cosine"):
        for act in model.activations().values():
            act.interval = float("inf")                        # a wave and a square hold for every number
    elif "trained_with" not in card:
        ranges = [card["range_on_training_images"], card.get("range_on_odd_pictures", {})]
        coefficients = chebyshev(DEGREE)
        for name, act in model.activations().items():
            act.interval = HEADROOM * max(seen.get(name, 0.0) for seen in ranges)
            act.function = lambda x, half_width=act.interval: kernel().series(x, coefficients, half_width)
    return model, card


def ranges_with_relu(path, photographs, seed):
    """For each activation, the largest magnitude before it over 1500 odd pictures of each kind in KINDS, and of saturated noise,
    with ReLU."""
    model, rng, largest = read(path)[0], np.random.default_rng([seed, 1]), {}
    for kind in [*odd_pictures.KINDS, "saturated noise"]:
        for name, peaks in evaluate(model, model.input(odd_pictures.pictures(kind, 1500, rng, photographs)))[1].items():
            largest[name] = max(largest.get(name, 0.0), float(peaks.max()))
    return largest


def measured(model, pictures):
    """Of pictures (uint8): how many values lay outside, how many pictures had one, by activation too, and how many are lost; the
    largest share of an interval; the largest |logit| of those that are not lost."""
    logits, peaks = evaluate(model, model.input(pictures))
    activations = model.activations()
    outside = torch.stack([act.outside for act in activations.values()])             # activations by pictures
    shares = torch.stack([peaks[name] / act.interval for name, act in activations.items()])
    largest = logits.abs().amax(1)
    lost = ~(largest <= LOST)
    row = {"pictures": len(pictures), "values_outside": int(outside.sum()), "pictures_outside": int((outside.sum(0) > 0).sum()),
           "pictures_lost": int(lost.sum()), "largest_share": float(shares.nan_to_num(float("inf")).max()),
           "by_activation": {name: int((row > 0).sum()) for name, row in zip(activations, outside)},
           "shares": dict(zip(activations, shares.nan_to_num(float("inf")).amax(1).tolist()))}
    return row, float(largest[~lost].max()) if (~lost).any() else 0.0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True)
    ap.add_argument("--weights", required=True, help="safetensors, with the card beside it")
    ap.add_argument("--each", type=int, default=200, help="pictures of each kind")
    ap.add_argument("--seed", type=int, default=3)
    ap.add_argument("--photographs", choices=["train", "test"], default="test", help="where inverted photographs and the like come from")
    ap.add_argument("--out", help="JSON file for everything measured")
    ap.add_argument("--range", action="store_true", help="first write `range_on_odd_pictures` into the card: of other odd pictures, made of training photographs")
    ap.add_argument("--update", action="store_true", help="write `odd_pictures` and `logit_bound` into the card")
    a = ap.parse_args()
    train, _, test, _ = load(a.data)
    photographs = train if a.photographs == "train" else test
    if a.range:
        path = pathlib.Path(a.weights).with_suffix(".json")
        card = json.loads(path.read_text()) | {"range_on_odd_pictures": ranges_with_relu(a.weights, train, a.seed)}
        path.write_text(json.dumps(card, indent=1) + "\n")
    model, card = with_polynomials(a.weights)
    rng, rows, largest = np.random.default_rng(a.seed), {}, 0.0
    for kind in {**odd_pictures.KINDS, **odd_pictures.UNSEEN_KINDS}:
        rows[kind], logit = measured(model, odd_pictures.pictures(kind, a.each, rng, photographs))
        largest, row = max(largest, logit), rows[kind]
        print(f"| {kind} | {row['pictures_outside']} | {row['pictures_lost']} | {row['largest_share']:.2f} |", flush=True)
    worst = {name: max(row["shares"][name] for row in rows.values()) for name in model.activations()}
    print("largest share of each interval:", {name: float(f"{value:.3g}") for name, value in worst.items()})
    print(f"largest |logit| of pictures not lost: {largest:.2f}")
    if a.out:
        pathlib.Path(a.out).write_text(json.dumps({"kinds": rows, "largest_logit": largest}, indent=1) + "\n")
    if a.update:
        card["largest_logit"]["odd pictures"] = largest
        card["logit_bound"] = 1.5 * max(card["largest_logit"].values())
        card["odd_pictures"] = {kind: row["pictures_outside"] for kind, row in rows.items()}
        card["odd_pictures_of_each_kind"] = a.each
        pathlib.Path(a.weights).with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
