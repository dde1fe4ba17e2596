"""Measure the bits per byte of a saved model on held-out source code.

Covered: the model arrives as a graph, never as agent code; its operations are on a list of pure
arithmetic; the softmax is done here; the same 64 KiB are scored whatever the context length; a model
that looks ahead, remembers earlier batches or mixes the rows of a batch is refused.
Not covered: training on the held-out files, which any Python also has on its disk, and a fault in the
loader of TorchScript itself.
"""

import json
import math
import os
import random
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LARGEST_BYTES = (512 if DEVICE == "cuda" else 64) * 1024 * 1024
SPAN_BYTES = 1024
SPANS = 64
BATCH_BYTES = 8192
CONTEXTS = (16, 32, 64, 128, 256, 512, 1024)
CHECKED_WINDOWS = 32
# Rounding differs with the shape of a batch by some 1e-5; a hint about the next byte does not hide in 1e-2.
LOGIT_TOLERANCE = 1e-2

# An operation may stand here if it reads its inputs and nothing else: no file, no clock, no Python.
# In-place twins (add_) are meant too. Left out on purpose: views past a tensor's edge (as_strided) and
# memory nobody has filled (empty), where the held-out bytes could be found.
ARITHMETIC = """
    abs acos add addcmul addmm alias all amax amin any append arange argmax argmin asin atan avg_pool1d
    baddbmm bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm
    bool bucketize cat ceil celu chunk clamp clamp_max clamp_min clone concat constant_pad_nd contiguous
    conv1d conv2d convolution copy cos cosh cross cummax cummin cumprod cumsum detach device diag
    diagonal diff dim div dot dropout einsum elu embedding embedding_bag eq erf exp exp2 expand expand_as
    expm1 eye fill flatten flip float floor floor_divide fmod full full_like gather ge gelu glu
    group_norm gt hardsigmoid hardswish hardtanh hstack index index_add index_copy index_fill index_put
    index_select int isfinite isinf isnan item layer_norm le leaky_relu len lerp linalg_norm
    linalg_vector_norm linear linspace list log log10 log1p log2 log_softmax logaddexp logical_and
    logical_not logical_or logical_xor logsumexp long lt masked_fill masked_scatter masked_select matmul
    max max_pool1d maximum mean meshgrid min minimum mish mm movedim mul multiply mv narrow ne neg
    new_full new_ones new_zeros nonzero norm numel one_hot ones ones_like outer pad permute pixel_shuffle
    pow prelu prod reciprocal relu relu6 remainder repeat repeat_interleave reshape resolve_conj
    resolve_neg rms_norm roll round rsqrt rsub scaled_dot_product_attention scatter scatter_add
    scatter_reduce searchsorted select selu sigmoid sign silu sin sinh size slice softmax softplus sort
    split split_with_sizes sqrt square squeeze stack std sub subtract sum t take take_along_dim tan tanh
    tensor_split threshold tile to topk transpose tril tril_indices triu triu_indices true_divide type
    type_as unbind unflatten unfold unsqueeze upsample_nearest1d var var_mean view view_as vstack where
    zero zeros zeros_like __and__ __getitem__ __is__ __isnot__ __lshift__ __not__ __or__ __rshift__ Bool
    Float FloatImplicit Int IntImplicit ScalarImplicit
"""
GRAPH_PARTS = """
    Constant GetAttr If Loop ListConstruct ListUnpack NumToTensor RaiseException TupleConstruct TupleIndex
    TupleUnpack Uninitialized data device dtype layout max min shape tolist unchecked_cast
"""
ALLOWED = {f"aten::{name}" for name in ARITHMETIC.split()} | {f"prim::{name}" for name in GRAPH_PARTS.split()}


def refuse(reason: str) -> NoReturn:
    sys.exit(f"evaluate.py: refused: {reason}")


def check_archive(artefact: Path) -> None:
    """Refuse what is unsafe before anything in the file is run, since loading already runs `__setstate__`."""
    if not artefact.is_file():
        refuse(f"there is no {artefact.name} in LOOPWATCH_OUT")
    if not zipfile.is_zipfile(artefact):
        refuse(f"{artefact.name} is not a saved TorchScript graph")
    with zipfile.ZipFile(artefact) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if max(unpacked, artefact.stat().st_size) > LARGEST_BYTES:
            refuse(f"{artefact.name} has {unpacked:,} bytes; at most {LARGEST_BYTES:,} are allowed")
        for member in archive.namelist():
            if member.endswith(".py") and re.search(rb"__setstate__|torch\.classes", archive.read(member)):
                refuse(f"{artefact.name} holds code that would run while it is loaded")


def operations(graph: Any) -> Iterator[str]:
    """The name of every operation in a graph and in the branches and loops inside it."""
    for node in graph.nodes():
        yield node.kind()
        for block in node.blocks():
            yield from operations(block)


def load(artefact: Path) -> tuple[Any, int]:
    """Return the checked graph and its context length. The only place that knows TorchScript."""
    check_archive(artefact)
    extra = {"context.json": b""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        try:
            model = torch.jit.load(artefact, map_location=DEVICE, _extra_files=extra)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            refuse(f"{artefact.name} cannot be loaded: {str(error).strip().splitlines()[0]}")
    forbidden = {
        name
        for name in operations(model.forward.inlined_graph)
        if name not in ALLOWED and name.removesuffix("_") not in ALLOWED
    }
    if forbidden:
        refuse(f"the graph uses {', '.join(sorted(forbidden))}, which is not on the list of pure arithmetic")
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        refuse("a weight is not a finite number")
    try:
        context = json.loads(extra["context.json"])
    except ValueError:
        context = None
    if context not in CONTEXTS:
        refuse(f"the context length in context.json is {context}; it must be one of {CONTEXTS}")
    return model.forward, context


def windows(held_out: Tensor, context: int) -> Tensor:
    """Rows of `context` + 1 bytes that together score SPANS spans of SPAN_BYTES, spread evenly.

    A shorter context scores the same bytes; it only starts cold more often, and pays for it.
    """
    first = torch.arange(SPANS) * ((len(held_out) - SPAN_BYTES - 1) // SPANS)
    starts = (first[:, None] + torch.arange(0, SPAN_BYTES, context)).reshape(-1, 1)
    return held_out[starts + torch.arange(context + 1)]


def logits_of(model: Any, rows: Tensor) -> Tensor:
    """Run the model on the inputs of some rows: logits (row, position, 256), or refuse."""
    # A copy: beyond the edge of a mere view would lie the byte that is to be predicted.
    inputs = rows[:, :-1].contiguous()
    try:
        logits = model(inputs.to(DEVICE))
    except RuntimeError as error:
        refuse(f"the model fails on bytes of shape {tuple(inputs.shape)}: {str(error).strip().splitlines()[-1]}")
    shape = (*inputs.shape, 256)
    if not isinstance(logits, Tensor) or logits.shape != shape:
        refuse(f"the logits have shape {tuple(getattr(logits, 'shape', ()))}; they must have {shape}")
    if not logits.isfinite().all():
        refuse("a logit is not a finite number")
    # On the CPU and cloned: a model may not change later what it answered before.
    return logits.float().cpu().clone()


def check_prefixes(model: Any, rows: Tensor, scored: list[Tensor], batch: int) -> None:
    """Ask again about some windows, cut at secret places and continued with other text, in other company.

    The answers up to the cut must be those that were scored; otherwise the model looked ahead, looked
    at its neighbours, remembered, or is random.
    """
    secret = random.SystemRandom()
    chosen = secret.sample(range(len(rows)), CHECKED_WINDOWS)
    context = rows.shape[1] - 1
    cuts = [secret.randrange(1, context) for _ in chosen]
    spliced = rows[chosen].clone()
    for row, cut in zip(spliced, cuts, strict=True):
        row[cut:] = rows[secret.randrange(len(rows)), cut:]
    answers = torch.cat([logits_of(model, part) for part in torch.split(spliced, batch)])
    for index, cut, answer in zip(chosen, cuts, answers, strict=True):
        before = scored[index // batch][index % batch, :cut]
        difference = (before - answer[:cut]).abs().max().item()
        if difference > LOGIT_TOLERANCE:
            refuse(
                f"not causal: the same {cut} bytes gave logits {difference:.3g} apart when other bytes"
                " followed or surrounded them (or the model is random: was model.eval() left out?)"
            )


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    held_out = Path(os.environ.get("LOOPWATCH_HIDDEN", "data/hidden")) / "val.bin"
    model, context = load(Path(os.environ.get("LOOPWATCH_OUT", "out")) / "model.pt")
    rows = windows(torch.frombuffer(bytearray(held_out.read_bytes()), dtype=torch.uint8).long(), context)

    batch = BATCH_BYTES // context
    scored = [logits_of(model, part) for part in torch.split(rows, batch)]
    check_prefixes(model, rows, scored, batch)
    nats: float = sum(
        cross_entropy(logits.double().flatten(0, 1), part[:, 1:].flatten(), reduction="sum").item()
        for logits, part in zip(scored, torch.split(rows, batch), strict=True)
    )
    print(f"val_bpb: {nats / math.log(2) / (SPANS * SPAN_BYTES):.6f}")


if __name__ == "__main__":
    main()
