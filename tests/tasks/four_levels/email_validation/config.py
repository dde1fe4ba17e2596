import json
import os

TASK_NAME = "email_validation"
METRIC_NAME = "accuracy"
HIGHER_IS_BETTER = True
PERFECT_SCORE = 1.0

DIR = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(DIR, "labelled.json")

with open(TESTS) as f:
    CASES = json.load(f)

CODE_PROMPT_TEMPLATE = "This function says whether an address is valid:\n\n{code}\n\nWrong: {failures}"
