"""The ResNet that `train_resnet20.py` trains, and the activations that stand for ReLU in it."""
import functools, math, re
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.cpp_extension import load_inline
import imported
from pictures import normalised


def interpolant(degree):
    """Of ReLU at the Chebyshev nodes of [-1, 1]: the coefficients e of x/2 + e0 + e1 x^2 + e2 x^4 + ..., so is |x|/2 even."""
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    series = np.polynomial.chebyshev.Chebyshev(np.polynomial.chebyshev.chebfit(nodes, np.maximum(nodes, 0), degree))
    power = series.convert(kind=np.polynomial.Polynomial).coef
    assert abs(power[1] - 0.5) < 1e-9 and np.abs(power[3::2]).max(initial=0) < 1e-9, "degree must be odd"
    return [float(c) for c in power[::2]]


KERNEL = r"""
#include <torch/extension.h>
#include <algorithm>
#include <cmath>

// Of x, bfloat16: R p(x/R) and its slope, where p(v) = v/2 + e0 + e1 v^2 + e2 v^4 + ... Beyond the interval of half-width R
// values count as its ends and slopes as 0, if clamped. One pass over memory: this is what bounds a training step.
std::vector<torch::Tensor> value_and_slope(torch::Tensor x, std::vector<float> even, float half_width, bool clamp) {
    TORCH_CHECK(x.scalar_type() == torch::kBFloat16 && x.is_non_overlapping_and_dense());
    auto value = torch::empty_like(x), slope = torch::empty_like(x);
    const auto* in = x.data_ptr<at::BFloat16>();
    auto *v_out = value.data_ptr<at::BFloat16>(), *s_out = slope.data_ptr<at::BFloat16>();
    const int top = int(even.size()) - 1;
    const float* e = even.data();
    constexpr int64_t block = 512;
    at::parallel_for(0, (x.numel() + block - 1) / block, 64, [&](int64_t begin, int64_t end) {
        float v[block], t[block], p[block], d[block];
        for (int64_t b = begin; b < end; b++) {
            const int64_t from = b * block, n = std::min(block, x.numel() - from);
            for (int64_t i = 0; i < n; i++) {
                v[i] = float(in[from + i]) / half_width;
                const float inside = clamp ? std::clamp(v[i], -1.0f, 1.0f) : v[i];
                t[i] = inside * inside, p[i] = e[top], d[i] = 0;
            }
            for (int k = top - 1; k >= 0; k--)
                for (int64_t i = 0; i < n; i++) d[i] = d[i] * t[i] + p[i], p[i] = p[i] * t[i] + e[k];
            for (int64_t i = 0; i < n; i++) {
                const bool held = clamp && std::fabs(v[i]) > 1;
                const float inside = held ? std::copysign(1.0f, v[i]) : v[i];
                v_out[from + i] = at::BFloat16(half_width * (p[i] + 0.5f * inside));
                s_out[from + i] = at::BFloat16(held ? 0.0f : 0.5f + 2 * inside * d[i]);
            }
        }
    });
    return {value, slope};
}

// Of x, bfloat16: H (a + b cos(pi x/H - phase)) and its slope.
std::vector<torch::Tensor> cosine_and_slope(torch::Tensor x, float a, float b, float phase, float half_period) {
    TORCH_CHECK(x.scalar_type() == torch::kBFloat16 && x.is_non_overlapping_and_dense());
    auto value = torch::empty_like(x), slope = torch::empty_like(x);
    const auto* in = x.data_ptr<at::BFloat16>();
    auto *v_out = value.data_ptr<at::BFloat16>(), *s_out = slope.data_ptr<at::BFloat16>();
    constexpr int64_t block = 512;
    constexpr float pi = 3.14159265f;
    at::parallel_for(0, (x.numel() + block - 1) / block, 64, [&](int64_t begin, int64_t end) {
        float u[block], s[block], c[block];
        for (int64_t at = begin; at < end; at++) {
            const int64_t from = at * block, n = std::min(block, x.numel() - from);
            for (int64_t i = 0; i < n; i++) u[i] = float(in[from + i]) * (pi / half_period) - phase;
            for (int64_t i = 0; i < n; i++) c[i] = std::cos(u[i]);
            for (int64_t i = 0; i < n; i++) s[i] = std::sin(u[i]);
            for (int64_t i = 0; i < n; i++) {
                v_out[from + i] = at::BFloat16(half_period * (a + b * c[i]));
                s_out[from + i] = at::BFloat16(-pi * b * s[i]);
            }
        }
    });
    return {value, slope};
}
"""

# The cosine a + b cos(pi v - phase) that is nearest to ReLU(v), v = x/H, for normal x of deviation H / (2 pi).
COSINE = (0.32150, 0.34250, 2.5940)


@functools.cache
def kernel():
    return load_inline("activations", KERNEL, functions=["value_and_slope", "cosine_and_slope"],
                       extra_cflags=["-O3", "-march=native", "-ffast-math", "-fopenmp"])


class Interpolant(torch.autograd.Function):
    """R times the interpolant at x/R; while training, values beyond the interval count as its ends."""
    @staticmethod
    def forward(ctx, x, even, half_width, clamp):
        value, slope = kernel().value_and_slope(x, even, half_width, clamp)
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None, None, None


class Cosine(torch.autograd.Function):
    """H (a + b cos(pi x/H - phase)) for the half period H."""
    @staticmethod
    def forward(ctx, x, half_period):
        value, slope = kernel().cosine_and_slope(x, *COSINE, half_period)
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None


def cosine_exactly(x, half_period):
    """The same in the precision of x."""
    a, b, phase = COSINE
    return half_period * (a + b * torch.cos(x * (math.pi / half_period) - phase))


def exactly(x, even, half_width):
    """The interpolant beyond its interval too, in the precision of x: what the network is evaluated with."""
    v = x / half_width
    t, value = v * v, torch.full_like(x, even[-1])
    for e in reversed(even[:-1]):
        value.mul_(t).add_(e)
    return half_width * value.add_(v, alpha=0.5)


class Activation(nn.Module):
    """ReLU, or its interpolant of degree D on [-half_width, half_width] once `interpolate` has been called.

    In training mode it records how far its input leaves the interval where it may be: `penalty` for photographs, beyond `tau`,
    and `odd_penalty` for the first `odd` pictures of the batch, beyond `odd_tau`. In eval mode `peaks` collects the largest
    magnitude of each picture's input and `outside` how many of its values leave [-interval, interval], where that is set."""
    def __init__(self, tau):
        super().__init__()
        self.tau, self.penalty, self.active = tau, 0.0, True
        self.odd, self.odd_tau, self.odd_penalty = 0, tau, 0.0
        self.half_width, self.even, self.function = None, None, F.relu
        self.cosine, self.clamp = False, True
        self.interval = None
        self.expect(0)

    def expect(self, pictures):
        """Makes room for the peaks of as many pictures; without it none are recorded."""
        self.seen, self.peaks, self.outside = 0, torch.empty(pictures), torch.zeros(pictures, dtype=torch.long)

    def interpolate(self, degree, half_width):
        self.half_width, self.interval, self.even = half_width, half_width, interpolant(degree)

    def square(self, half_width):
        """From now on the activation is the interpolant of degree 3, a quadratic. It holds beyond its interval too."""
        self.interpolate(3, half_width)
        self.clamp = False

    def undulate(self, half_period):
        """From now on the activation is the cosine of this half period."""
        self.half_width, self.interval, self.cosine = half_period, half_period, True

    def forward(self, x):
        if self.training and self.active:
            self.record(x)
        elif not self.training and self.seen < len(self.peaks):
            at = slice(self.seen, self.seen + len(x))
            self.seen, self.peaks[at] = at.stop, x.abs().amax((1, 2, 3))
            if self.interval:
                self.outside[at] = (~(x.abs() <= self.interval)).sum((1, 2, 3))     # NaN too
        if self.cosine:
            return Cosine.apply(x, self.half_width) if x.dtype == torch.bfloat16 else cosine_exactly(x, self.half_width)
        if self.even is None:
            return self.function(x)
        if x.dtype == torch.bfloat16:
            return Interpolant.apply(x, self.even, self.half_width, self.clamp)
        return exactly(x, self.even, self.half_width)

    def record(self, x):
        """The largest value of each photograph pays, for the first 64 of them; of odd pictures, the largest of each channel."""
        photographs = x[self.odd:self.odd + 64].permute(0, 2, 3, 1).flatten(1)
        peak = photographs.gather(1, photographs.detach().abs().argmax(1)[:, None]).abs().float()
        self.penalty = F.relu(peak - self.tau).mean()
        if self.odd:
            odd = x[:self.odd].flatten(2)
            peak = odd.gather(2, odd.detach().abs().argmax(2)[..., None]).abs().float()
            self.odd_penalty = F.relu(peak[..., 0] - self.odd_tau).sum(1).mean()


class Norm(nn.BatchNorm2d):
    """Batch norm that keeps the first `odd` pictures of a training batch out of its mean and variance: those are normalised by
    the stored ones, as they are after training."""
    odd = 0

    def forward(self, x):
        if not (self.training and self.odd):
            return super().forward(x)
        odd = F.batch_norm(x[:self.odd], self.running_mean.clone(), self.running_var.clone(), self.weight, self.bias, False, 0.0, self.eps)
        return torch.cat([odd, super().forward(x[self.odd:])])


class PaddedShortcut(nn.Module):
    """A shortcut without weights: the first pixel or the mean of each 2x2, and zeros as new channels, after the others or around them."""
    def __init__(self, new, stride, form):
        super().__init__()
        self.mean, self.stride = form.startswith("average-pool") and stride > 1, stride
        self.before = 0 if form.endswith("pad-after") else new // 2
        self.after = new - self.before

    def forward(self, x):
        x = F.avg_pool2d(x, 2) if self.mean else x[:, :, ::self.stride, ::self.stride]
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


class Block(nn.Module):
    def __init__(self, cin, cout, stride, tau, shortcut=None, eps=1e-5):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), Norm(cout, eps)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), Norm(cout, eps)
        self.act1, self.act2 = Activation(tau), Activation(tau)
        self.downsample = None
        if stride != 1 or cin != cout:
            projection = lambda: nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), Norm(cout, eps))
            self.downsample = PaddedShortcut(cout - cin, stride, shortcut) if shortcut else projection()

    def forward(self, x):
        out = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        return self.act2(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """The network of a shape; the default is ResNet-20 for CIFAR-10."""
    def __init__(self, shape=imported.Shape(), tau=3.5):
        super().__init__()
        self.shape = shape
        self.conv1, self.bn1 = nn.Conv2d(shape.channels, shape.stem, 3, 1, 1, bias=False), Norm(shape.stem, shape.eps)
        self.act = Activation(tau)
        cin, self.stages = shape.stem, []
        for stage, (count, cout) in enumerate(zip(shape.blocks, shape.widths)):
            blocks = []
            for k in range(count):
                blocks.append(Block(cin, cout, 2 if k == 0 and stage > 0 else 1, tau, shape.shortcut, shape.eps))
                cin = cout
            self.stages.append(f"layer{stage + 1}")
            setattr(self, self.stages[-1], nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, shape.classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.act(self.bn1(self.conv1(x)))
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(x.mean((2, 3)))

    def replace(self, relu, half_widths):
        """Puts other activations in place of ReLU: `chebyshev:D`, `cosine`, or `cosine+square`, which has squares at the first
        activation of each block."""
        for name, act in self.activations().items():
            if relu == "cosine" or (relu == "cosine+square" and not name.endswith("act1")):
                act.undulate(half_widths[name])
            elif relu == "cosine+square":
                act.square(half_widths[name])
            else:
                act.interpolate(int(relu.removeprefix("chebyshev:")), half_widths[name])

    def input(self, pictures):
        """The input for uint8 pictures (n, 32, 32, channels)."""
        return normalised(pictures, self.shape.mean, self.shape.std)

    def activations(self):
        return {name: m for name, m in self.named_modules() if isinstance(m, Activation)}


def begun(path, tau=3.5):
    """The network of a safetensors file with ReLU, in eval mode, and its card beside it (None where there is none)."""
    shape, tensors, card = imported.read(path)
    model = ResNet(shape, tau).to(memory_format=torch.channels_last).eval()
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    norm = lambda name: re.search(r"(bn\d|downsample\.1)\.(weight|bias)$", name)      # absent where batch norm has none: 1 and 0
    lacking = [name for name in missing if not name.endswith("num_batches_tracked") and not norm(name)]
    if unexpected or lacking:
        raise SystemExit(f"{path}: found tensors {unexpected} too many, and lacks {lacking}")
    return model, card


def read(path):
    """The same with the activations that the network was trained with, where its card names them."""
    model, card = begun(path)
    if card and "trained_with" in card:
        model.replace(card["trained_with"]["relu"], card["trained_with"]["half_widths"])
    return model, card


def evaluate(model, x):
    """Logits of the images given and, for each activation, the largest magnitude before it in each image."""
    model.eval()
    for act in model.activations().values():
        act.expect(len(x))
    logits = torch.empty(len(x), model.shape.classes)        # set up front: small results between large ones would keep the allocator from reusing memory
    with torch.no_grad():
        for i in range(0, len(x), 250):
            logits[i:i + 250] = model(x[i:i + 250])
    return logits, {name: act.peaks for name, act in model.activations().items()}
