"""What PyTorch needs of the world it runs in, eight points of it; each prints `NAME: ok` or `NAME: what went wrong`.

    python benchmarks/torch_points.py FOLDER [NAME ...]

`benchmarks.sandbox` starts it in each kind of box. Needs a C compiler for `compile`.
"""

import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy
import torch
import torch.distributed as distributed
import torch.multiprocessing as processes
from torch import nn
from torch.multiprocessing.spawn import spawn
from torch.utils.data import DataLoader, TensorDataset


def _model() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 1))


def train(folder: Path) -> None:
    """Train, save, load."""
    model, data = _model(), torch.randn(64, 16)
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(20):
        optimizer.zero_grad()
        model(data).square().mean().backward()
        optimizer.step()
    torch.save(model.state_dict(), folder / "model.pt")
    loaded = _model()
    loaded.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    assert torch.equal(loaded(data), model(data))


def memmap(folder: Path) -> None:
    """Data that is larger than memory lies in a mapped file."""
    written = numpy.memmap(folder / "data.bin", dtype=numpy.uint16, mode="w+", shape=(1000,))
    written[:] = numpy.arange(1000)
    written.flush()
    assert numpy.memmap(folder / "data.bin", dtype=numpy.uint16, mode="r")[999] == 999


def loader(_: Path) -> None:
    """Two worker processes that load."""
    batches = DataLoader(TensorDataset(torch.arange(64.0)), batch_size=8, num_workers=2)
    assert sum(batch[0].sum().item() for batch in batches) == sum(range(64))


def _double(incoming: "processes.SimpleQueue[torch.Tensor]", outgoing: "processes.SimpleQueue[torch.Tensor]") -> None:
    outgoing.put(incoming.get().mul_(2))
    incoming.get()  # until what was sent has been received


def _share(strategy: str) -> None:
    processes.set_sharing_strategy(strategy)  # type: ignore[no-untyped-call]
    context = processes.get_context("spawn")
    there, back = context.SimpleQueue(), context.SimpleQueue()
    child = context.Process(target=_double, args=(there, back))
    child.start()
    there.put(torch.ones(1000))
    assert back.get().sum().item() == 2000
    there.put(torch.zeros(1))
    child.join(10)
    assert child.exitcode == 0


def share_by_descriptor(_: Path) -> None:
    """Tensors go to another process by a descriptor."""
    _share("file_descriptor")


def share_by_file(_: Path) -> None:
    """Tensors go to another process by a file in shared memory."""
    _share("file_system")


def compile(_: Path) -> None:
    """torch.compile, which starts a C compiler."""
    function = torch.compile(lambda x: torch.sin(x) + torch.cos(x))
    data = torch.randn(100)
    assert torch.allclose(function(data), torch.sin(data) + torch.cos(data), atol=1e-5)


def _rank(rank: int, address: str) -> None:
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    total = torch.full((4,), float(rank + 1))
    distributed.all_reduce(total)
    assert total.tolist() == [3.0] * 4
    distributed.destroy_process_group()


def gloo_tcp(_: Path) -> None:
    """Two processes that find each other on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    spawn(_rank, args=(f"tcp://127.0.0.1:{port}",), nprocs=2)  # type: ignore[no-untyped-call]


def gloo_file(folder: Path) -> None:
    """Two processes that find each other by a file, and talk on loopback."""
    spawn(_rank, args=(f"file://{folder}/meeting",), nprocs=2)  # type: ignore[no-untyped-call]


POINTS: tuple[Callable[[Path], None], ...] = (
    train, memmap, loader, share_by_descriptor, share_by_file, compile, gloo_tcp, gloo_file,
)  # fmt: skip
NAMES = tuple(point.__name__ for point in POINTS)


def main(folder: Path, names: list[str]) -> None:
    os.chdir(folder)
    for point in POINTS:
        if names and point.__name__ not in names:
            continue
        try:
            point(folder)
            said = "ok"
        except Exception as error:
            traceback.print_exc()
            said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(f"{point.__name__}: {said}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
