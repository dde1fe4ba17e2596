import json
import os
import sys
from typing import Any

DIR = os.path.dirname(os.path.abspath(__file__))

if __name__ == "__main__":
    names: dict[str, Any] = {}
    with open(sys.argv[1]) as file:
        exec(compile(file.read(), sys.argv[1], "exec"), names)
    with open(os.path.join(DIR, "knowledge.txt")) as file:
        knowledge = file.read()
    with open(os.path.join(DIR, "questions.json")) as file:
        questions = [case["question"] for case in json.load(file)]
    answers = [{"question": one, "answer": str(names["answer_question"](one, knowledge))} for one in questions]
    print("answers:" + json.dumps(answers))
