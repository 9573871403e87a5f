"""Question: how fast are our GPU kernels beside PyTorch's, on the same tensors in the same process?

Runs on a machine with a GPU and PyTorch, from the bundle that `scripts/gpu-bundle` makes:

    python3 versus_torch.py --library libfattn_kernels.so --out versus-torch.json [--rounds 7] [--quick]

Contestants take turns within every round, in an order that rotates, timed by CUDA events around several calls; a ratio is
formed within a round, and the median and the extremes of the rounds are written. Inputs rotate through more than twice
the second-level cache. Nothing is drawn from zeros.
"""

import argparse
import ctypes
import json
import statistics
import sys

try:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import linear, scaled_dot_product_attention
except ImportError as error:
    sys.exit(f"versus_torch.py needs PyTorch 2.5 or later: {error}")

DTYPES = {"float32": (0, torch.float32), "float16": (1, torch.float16), "bfloat16": (2, torch.bfloat16)}


class Call(ctypes.Structure):
    """One call of attention(), as `struct FattnCall` of bench/gpu/kernels_library.cpp."""

    _fields_ = (
        [(name, ctypes.c_void_p) for name in ("q", "k", "v", "out")]
        + [(name, ctypes.c_int64) for name in ("dtype", "b", "s_q", "s_kv", "h_q", "h_kv", "d", "causal")]
        + [("scale", ctypes.c_double)]
    )


class Product(ctypes.Structure):
    """One call of linear(), as `struct FattnProduct` of bench/gpu/kernels_library.cpp."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("x", "w", "out")] + [
        (name, ctypes.c_int64) for name in ("dtype", "rows", "in_", "columns")
    ]


class Kernels:
    """Our kernels, chosen and launched by the code that ships in the addon."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.fattn_attention.argtypes = [ctypes.POINTER(Call)]
        self.library.fattn_attention.restype = ctypes.c_char_p
        self.library.fattn_linear.argtypes = [ctypes.POINTER(Product)]
        self.library.fattn_linear.restype = ctypes.c_char_p
        self.library.fattn_kernel.argtypes = [ctypes.POINTER(Call)]
        self.library.fattn_kernel.restype = ctypes.c_char_p
        self.library.fattn_open.restype = ctypes.c_char_p
        self.library.fattn_stream.restype = ctypes.c_void_p
        failure = self.library.fattn_open()
        if failure:
            sys.exit(f"versus_torch.py cannot use our kernels: {failure.decode()}")
        # Everybody works on our stream, so that events mean the same for all.
        self.stream = torch.cuda.ExternalStream(self.library.fattn_stream())

    def attention(self, call):
        self.expect_none(self.library.fattn_attention(ctypes.byref(call)))

    def linear(self, product):
        self.expect_none(self.library.fattn_linear(ctypes.byref(product)))

    @staticmethod
    def expect_none(failure):
        if failure:
            raise RuntimeError(failure.decode())

    def kernel(self, call):
        return self.library.fattn_kernel(ctypes.byref(call)).decode()


def flops(row):
    pairs = row["s_q"] * row["s_kv"]
    if row["causal"]:
        pairs -= row["s_q"] * (row["s_q"] - 1) // 2
    return 4 * row["b"] * row["h_q"] * row["d"] * pairs


def bytes_moved(row):
    rows = row["s_q"] * row["h_q"] * 2 + row["s_kv"] * row["h_kv"] * 2
    return row["b"] * rows * row["d"] * 2


class Inputs:
    """Sets of q, k, v and out that together exceed the second-level cache twice."""

    def __init__(self, row, cache_bytes, generator):
        kind = DTYPES[row["dtype"]][1]
        shape_q = (row["b"], row["s_q"], row["h_q"], row["d"])
        shape_k = (row["b"], row["s_kv"], row["h_kv"], row["d"])
        one = bytes_moved(row)
        count = max(2, min(64, -(-2 * cache_bytes // one)))
        draw = lambda shape: torch.randn(shape, device="cuda", dtype=kind, generator=generator)
        self.sets = [(draw(shape_q), draw(shape_k), draw(shape_k)) for _ in range(count)]
        self.out = torch.full(shape_q, float("nan"), device="cuda", dtype=kind)
        self.next = 0

    def take(self):
        self.next = (self.next + 1) % len(self.sets)
        return self.sets[self.next]


def ours(kernels, row, inputs):
    def describe(q, k, v):
        return Call(
            q.data_ptr(), k.data_ptr(), v.data_ptr(), inputs.out.data_ptr(), DTYPES[row["dtype"]][0],
            row["b"], row["s_q"], row["s_kv"], row["h_q"], row["h_kv"], row["d"], int(row["causal"]), row["d"] ** -0.5,
        )  # fmt: skip

    def run():
        kernels.attention(describe(*inputs.take()))

    return run, kernels.kernel(describe(*inputs.take()))


def theirs(backend, row, inputs):
    """PyTorch's kernel over the same memory, seen as [b, h, s, d]. Its mask is aligned to the upper left, so causal rows
    have as many queries as keys."""

    def run():
        q, k, v = (x.transpose(1, 2) for x in inputs.take())
        with sdpa_kernel(backend):
            return scaled_dot_product_attention(q, k, v, is_causal=row["causal"], enable_gqa=row["h_q"] != row["h_kv"])

    return run


def check(row, run, inputs):
    """Relative error of our output against float32 attention on a slice of the heads. Raises where it is wrong."""
    inputs.out.fill_(float("nan"))
    run()
    torch.cuda.synchronize()
    q, k, v = inputs.sets[inputs.next]
    heads = row["h_q"] // row["h_kv"]
    rows = slice(max(0, row["s_q"] - 512), row["s_q"])
    a = q[:1, rows, :heads].float().transpose(1, 2)
    x, y = (t[:1, :, :1].float().transpose(1, 2) for t in (k, v))
    scores = (a @ x.transpose(2, 3)) * row["d"] ** -0.5
    if row["causal"]:
        i = torch.arange(row["s_q"], device="cuda")[rows, None] + row["s_kv"] - row["s_q"]
        scores = scores.masked_fill(torch.arange(row["s_kv"], device="cuda") > i, float("-inf"))
    expected = scores.softmax(-1) @ y
    got = inputs.out[:1, rows, :heads].float().transpose(1, 2)
    error = ((got - expected).norm() / expected.norm()).item()
    bound = {"float32": 1e-4, "float16": 2e-3, "bfloat16": 1e-2}[row["dtype"]]
    if not error < bound or not torch.isfinite(inputs.out).all():
        raise RuntimeError(f"output is wrong: relative error {error}")
    return error


def turn(run, calls):
    """Milliseconds per call."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / calls


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "rounds": values}


def measure(contestants, rounds, turn_ms=40.0):
    calls = {}
    for name, run in contestants.items():
        for _ in range(3):
            run()
        torch.cuda.synchronize()
        calls[name] = max(2, min(500, round(turn_ms / max(turn(run, 3), 1e-3))))
    times = {name: [] for name in contestants}
    names = list(contestants)
    for index in range(rounds):
        for place in range(len(names)):
            name = names[(index + place) % len(names)]
            times[name].append(turn(contestants[name], calls[name]))
    return times


def attention_rows(quick):
    rows = []
    for d, heads in ((64, 32), (128, 16)):
        for s in (2048,) if quick else (2048, 4096, 16384):
            for causal in (False, True):
                rows.append(dict(question="prefill", dtype="bfloat16", b=16384 // s, s_q=s, s_kv=s, h_q=heads, h_kv=heads,
                                 d=d, causal=causal, at_least=0.95))  # fmt: skip
    for b, s in ((1, 4096), (16, 4096), (1, 131072)):
        rows.append(dict(question="decode", dtype="bfloat16", b=b, s_q=1, s_kv=s, h_q=32, h_kv=8, d=128, causal=False))
    return rows


def run_row(kernels, row, cache_bytes, rounds, generator):
    inputs = Inputs(row, cache_bytes, generator)
    run, kernel = ours(kernels, row, inputs)
    contestants = {"ours": run}
    result = dict(row, kernel=kernel, flops=flops(row), bytes=bytes_moved(row), missing={})
    result["relative_error"] = check(row, run, inputs)
    for name, backend in (("flash", SDPBackend.FLASH_ATTENTION), ("cudnn", SDPBackend.CUDNN_ATTENTION)):
        other = theirs(backend, row, inputs)
        try:
            other()
            contestants[name] = other
        except RuntimeError as error:
            result["missing"][name] = str(error).splitlines()[0]
    times = measure(contestants, rounds)
    result["milliseconds"] = {name: spread(values) for name, values in times.items()}
    result["tflops"] = {name: flops(row) / statistics.median(values) / 1e9 for name, values in times.items()}
    result["gigabytes_per_second"] = {
        name: bytes_moved(row) / statistics.median(values) / 1e6 for name, values in times.items()
    }
    result["times_as_fast_as"] = {
        name: spread([theirs / ours for theirs, ours in zip(values, times["ours"])])
        for name, values in times.items()
        if name != "ours"
    }
    return result


def head_counts(kernels, cache_bytes, rounds, generator, s):
    """Our own time of MHA over those of SQA and xSQA (arXiv:2510.01817), 16 heads of 128, causal."""
    designs = {"mha": (16, 16), "sqa": (8, 4), "xsqa": (4, 4)}
    contestants = {}
    for name, (h_q, h_kv) in designs.items():
        row = dict(dtype="bfloat16", b=1, s_q=s, s_kv=s, h_q=h_q, h_kv=h_kv, d=128, causal=True)
        contestants[name] = ours(kernels, row, Inputs(row, cache_bytes, generator))[0]
    times = measure(contestants, rounds)
    over = lambda name: spread([mha / other for mha, other in zip(times["mha"], times[name])])
    return dict(question="head counts", s=s, milliseconds={name: spread(values) for name, values in times.items()},
                mha_over={"sqa": over("sqa"), "xsqa": over("xsqa")}, at_least={"sqa": 1.9, "xsqa": 3.7})  # fmt: skip


def products(kernels, cache_bytes, rounds, generator, rows, width):
    """x [rows, width] times the transpose of w [width, width], beside PyTorch's product of the same tensors."""
    draw = lambda count: torch.randn(count, width, device="cuda", dtype=torch.bfloat16, generator=generator)
    sets = max(2, min(64, -(-2 * cache_bytes // (2 * width * (width + 2 * rows)))))
    inputs = [(draw(rows), draw(width)) for _ in range(sets)]
    out = torch.full((rows, width), float("nan"), device="cuda", dtype=torch.bfloat16)
    place = 0

    def take():
        nonlocal place
        place = (place + 1) % sets
        return inputs[place]

    def run():
        x, w = take()
        kernels.linear(Product(x.data_ptr(), w.data_ptr(), out.data_ptr(), DTYPES["bfloat16"][0], rows, width, width))

    run()
    torch.cuda.synchronize()
    x, w = inputs[place]
    expected = x.float() @ w.float().T
    error = ((out.float() - expected).norm() / expected.norm()).item()
    if not error < 1e-2:
        raise RuntimeError(f"linear of {rows} rows is wrong: relative error {error}")
    times = measure({"ours": run, "torch": lambda: linear(*take())}, rounds)
    return dict(question="linear", dtype="bfloat16", rows=rows, width=width, relative_error=error,
                milliseconds={name: spread(values) for name, values in times.items()},
                tflops={name: 2 * rows * width**2 / statistics.median(values) / 1e9 for name, values in times.items()},
                times_as_fast_as=spread([torch_ / ours for torch_, ours in zip(times["torch"], times["ours"])]))  # fmt: skip


def ceilings(rounds):
    """What this card does today: a large bf16 product, and a large copy, bytes read plus bytes written."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    source = torch.randn(1 << 28, device="cuda")
    target = torch.empty_like(source)
    times = measure({"product": lambda: a @ b, "copy": lambda: target.copy_(source)}, rounds)
    return {
        "bf16_tflops": spread([2 * 8192**3 / t / 1e9 for t in times["product"]]),
        "copy_gigabytes_per_second": spread([2 * 4 * (1 << 28) / t / 1e6 for t in times["copy"]]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a few rows, to see that everything runs")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("versus_torch.py needs a GPU; PyTorch sees none")
    kernels = Kernels(options.library)
    torch.cuda.set_stream(kernels.stream)
    facts = torch.cuda.get_device_properties(0)
    generator = torch.Generator(device="cuda").manual_seed(1)
    report = {
        "device": facts.name,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "rounds": options.rounds,
        "ceilings": ceilings(options.rounds),
        "rows": [],
        "failures": [],
    }
    cache_bytes = facts.L2_cache_size
    questions = [lambda row=row: run_row(kernels, row, cache_bytes, options.rounds, generator)
                 for row in attention_rows(options.quick)]  # fmt: skip
    questions.append(lambda: head_counts(kernels, cache_bytes, options.rounds, generator, 4096 if options.quick else 32768))
    questions += [lambda rows=rows, width=width: products(kernels, cache_bytes, options.rounds, generator, rows, width)
                  for rows, width in ((2048, 2048), (1, 4096), (16, 4096))]  # fmt: skip
    for ask in questions:
        try:
            report["rows"].append(ask())
            print(json.dumps({k: v for k, v in report["rows"][-1].items() if k not in ("milliseconds", "missing")}))
        except Exception as error:  # one failed row must not take the others' numbers along
            report["failures"].append(str(error))
            print(f"FAIL {error}", file=sys.stderr)
        torch.cuda.synchronize()
        kernels.library.fattn_forget()
        torch.cuda.empty_cache()
        with open(options.out, "w") as file:  # after every row: an interrupted run keeps what it has
            json.dump(report, file, indent=2)
    sys.exit(1 if report["failures"] else 0)


if __name__ == "__main__":
    main()
