"""Measure the root mean square error of a saved model on held-out points.

The model is read as inert data: numbers in JSON, checked one by one, and the network they
describe is worked out here. No code that an agent wrote runs in this process.
"""

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

LARGEST_BYTES = 1_000_000
LARGEST_NUMBER = 1e6
ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sin": math.sin,
    "relu": lambda x: max(0.0, x),
}

Layer = tuple[list[list[float]], list[float]]


def refuse(reason: str) -> NoReturn:
    sys.exit(f"evaluate.py: refused: {reason}")


def read_model(file: Path) -> dict[str, Any]:
    if not file.is_file():
        refuse(f"there is no {file.name} in LOOPWATCH_OUT")
    if file.stat().st_size > LARGEST_BYTES:
        refuse(f"{file.name} has {file.stat().st_size:,} bytes; at most {LARGEST_BYTES:,} are allowed")
    try:
        model = json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        refuse(f"{file.name} is not JSON: {error}")
    if not isinstance(model, dict) or model.get("activation") not in list(ACTIVATIONS):
        refuse(f"the activation must be one of {', '.join(ACTIVATIONS)}")
    return model


def numbers(values: Any, count: int, what: str) -> list[float]:
    """Return `values` if it is a list of `count` numbers of a sensible size."""
    if not isinstance(values, list) or len(values) != count:
        refuse(f"{what} must be a list of {count}")
    # Not-a-number is not below anything, and a truth value is not a number.
    if not all(type(v) in (int, float) and abs(v) <= LARGEST_NUMBER for v in values):
        refuse(f"{what} must be finite numbers within ±{LARGEST_NUMBER:,.0f}")
    return [float(v) for v in values]


def checked_layers(model: dict[str, Any]) -> list[Layer]:
    """The layers, if they lead from one number to one number."""
    found = model.get("layers")
    if not isinstance(found, list) or not all(isinstance(layer, dict) for layer in found):
        refuse("layers must be a list of objects")
    layers, width = [], 1
    for place, layer in enumerate(found):
        weights = layer.get("weights")
        if not isinstance(weights, list):
            refuse(f"layer {place} has no weights")
        rows = [numbers(row, width, f"a row of weights in layer {place}") for row in weights]
        layers.append((rows, numbers(layer.get("biases"), len(rows), f"the biases of layer {place}")))
        width = len(rows)
    if not layers or width != 1:
        refuse(f"the last of {len(layers)} layers must have 1 output")
    return layers


def predict(layers: list[Layer], activation: str, x: float) -> float:
    """The network at `x`; its last layer is linear."""
    values = [x]
    for place, (rows, biases) in enumerate(layers):
        values = [sum(w * v for w, v in zip(row, values, strict=True)) + b for row, b in zip(rows, biases, strict=True)]
        if place < len(layers) - 1:
            values = [ACTIVATIONS[activation](v) for v in values]
    return values[0]


def main() -> None:
    hidden = Path(os.environ.get("LOOPWATCH_HIDDEN", "data/hidden"))
    points = json.loads((hidden / "val.json").read_text())
    model = read_model(Path(os.environ.get("LOOPWATCH_OUT", "out")) / "model.json")
    layers = checked_layers(model)
    errors = [predict(layers, model["activation"], x) - y for x, y in points]
    loss = math.sqrt(sum(error * error for error in errors) / len(errors))
    if not math.isfinite(loss):
        refuse("the loss is not a finite number")
    print(f"val_loss: {loss:.6f}")


if __name__ == "__main__":
    main()
