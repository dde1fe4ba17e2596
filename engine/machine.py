"""What this machine has, found out without loading anything heavy."""

from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")


def has_gpu(gpus: Path = GPUS) -> bool:
    """Whether the driver of an NVIDIA GPU sees one."""
    return gpus.is_dir() and any(gpus.iterdir())
