import json
import os

TASK_NAME = "support"
METRIC_NAME = "quality_score"
HIGHER_IS_BETTER = True
PERFECT_SCORE = 100.0
USES_LLM_JUDGE = True
USES_RUBRIC = True
JUDGE_RUNS = 3

DIR = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(DIR, "knowledge.txt")) as f:
    KNOWLEDGE = f.read()

with open(os.path.join(DIR, "questions.json")) as f:
    TEST_CASES = json.load(f)

JUDGE_PROMPT = "Score each answer from 0 to 100:\n{qa_pairs}"

PROMPT_TEMPLATE = "The function answers customers of a bicycle shop from what it is given:\n\n{code}\n\n{kb}"
