"""Answer questions about bytes with a saved graph: the only process that loads what an agent's training left.

`evaluate.py` starts it as `python -I -B predict.py MODEL`, asks on stdin, reads on stdout, and believes nothing of what it says.

Covered: the model arrives as a graph, never as agent code; its operations are on a list of pure arithmetic. Each question is
answered by a fork that has seen no other, and that on a CPU can open no file, start no process and write nowhere but to its
answer: nothing is remembered from one question to the next. The held-out bytes beyond the question are not here.
Not covered: on a GPU, the fork is not fenced in; and a fault in the loader of TorchScript itself.
"""

import json
import os
import re
import resource
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

# Asking the driver instead would keep the forks from using the GPU.
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"

import torch
from torch import Tensor

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LARGEST_BYTES = (512 if DEVICE == "cuda" else 64) * 1024 * 1024

# An operation may stand here if it reads its inputs and nothing else: no file, no clock, no Python.
# In-place twins (add_) are meant too. Left out on purpose: views past a tensor's edge (as_strided) and
# memory nobody has filled (empty), where bytes of the question could be found that it does not ask about.
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

Reply = tuple[bytes, bytes]
"""A mark (+ or -) and what follows it: an answer, or why there is none."""


class Refused(Exception):
    """The model may not be measured; the message is the reason."""


def check_archive(artefact: Path) -> None:
    """Refuse what is unsafe before anything in the file is run, since loading already runs `__setstate__`."""
    if not artefact.is_file():
        raise Refused(f"there is no {artefact.name} in LOOPWATCH_OUT")
    if not zipfile.is_zipfile(artefact):
        raise Refused(f"{artefact.name} is not a saved TorchScript graph")
    with zipfile.ZipFile(artefact) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if max(unpacked, artefact.stat().st_size) > LARGEST_BYTES:
            raise Refused(f"{artefact.name} has {unpacked:,} bytes; at most {LARGEST_BYTES:,} are allowed")
        for member in archive.namelist():
            if member.endswith(".py") and re.search(rb"__setstate__|torch\.classes", archive.read(member)):
                raise Refused(f"{artefact.name} holds code that would run while it is loaded")


def operations(graph: Any) -> Iterator[str]:
    """The name of every operation in a graph and in the branches and loops inside it."""
    for node in graph.nodes():
        yield node.kind()
        for block in node.blocks():
            yield from operations(block)


def load(artefact: Path) -> tuple[Any, str]:
    """Return the checked graph, on the CPU, and what it says of its context. The only place that knows TorchScript."""
    check_archive(artefact)
    extra = {"context.json": b""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        try:
            model = torch.jit.load(artefact, map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise Refused(f"{artefact.name} cannot be loaded: {reason}") from None
    forbidden = {
        name
        for name in operations(model.forward.inlined_graph)
        if name not in ALLOWED and name.removesuffix("_") not in ALLOWED
    }
    if forbidden:
        names = ", ".join(sorted(forbidden))
        raise Refused(f"the graph uses {names}, which is not on the list of pure arithmetic")
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        raise Refused("a weight is not a finite number")
    return model, extra["context.json"].decode("utf-8", "replace")


def logits_of(model: Any, rows: Tensor) -> bytes:
    """The logits (row, position, 256) for some rows, as 32-bit floats."""
    try:
        logits = model.to(DEVICE).forward(rows.to(DEVICE))
    except RuntimeError as error:
        last = str(error).strip().splitlines()[-1]
        raise Refused(f"the model fails on bytes of shape {tuple(rows.shape)}: {last}") from None
    shape = (*rows.shape, 256)
    if not isinstance(logits, Tensor) or logits.shape != shape:
        raise Refused(f"the logits have shape {tuple(getattr(logits, 'shape', ()))}; they must have {shape}")
    return logits.float().cpu().contiguous().numpy().tobytes()


def fence_in() -> None:
    """From here on: no new file, socket or process, and no byte into a file. None of it can be taken back."""
    os.closerange(3, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def answer_in_fork(model: Any, rows: Tensor) -> None:
    """Answer one question in a process that ends with it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if DEVICE == "cpu":
                fence_in()
            with torch.inference_mode():
                say((b"+", logits_of(model, rows)))
            status = 0
        except Refused as refusal:
            say((b"-", str(refusal).encode()))
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(1)


def say(reply: Reply) -> None:
    mark, content = reply
    data = memoryview(mark + struct.pack("<Q", len(content)) + content)
    while data:
        data = data[os.write(1, data) :]


def questions(stdin: BinaryIO) -> Iterator[Tensor]:
    """Rows of bytes, until nobody asks any more."""
    while header := stdin.read(8):
        rows, columns = struct.unpack("<II", header)
        yield torch.frombuffer(bytearray(stdin.read(rows * columns)), dtype=torch.uint8).long().view(rows, columns)


def main() -> None:
    # A thread more, and a fork would wait for it for ever.
    torch.set_num_threads(1)
    try:
        model, context = load(Path(sys.argv[1]))
    except Refused as refusal:
        say((b"-", str(refusal).encode()))
        sys.exit(1)
    say((b"+", json.dumps(context).encode()))
    for rows in questions(sys.stdin.buffer):
        answer_in_fork(model, rows)


if __name__ == "__main__":
    main()
