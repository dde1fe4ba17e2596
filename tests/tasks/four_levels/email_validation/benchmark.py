import json
import os
import sys
from typing import Any

DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "labelled.json")

if __name__ == "__main__":
    names: dict[str, Any] = {}
    with open(sys.argv[1]) as file:
        exec(compile(file.read(), sys.argv[1], "exec"), names)
    with open(sys.argv[2] if len(sys.argv) > 2 else DEFAULT) as file:
        cases = json.load(file)
    right = sum(bool(names["validate_email"](case["email"])) == case["valid"] for case in cases)
    print(f"accuracy:{right / len(cases):.4f}")
    print(f"correct:{right}")
    print(f"total:{len(cases)}")
