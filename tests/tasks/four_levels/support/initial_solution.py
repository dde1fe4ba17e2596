def answer_question(question: str, knowledge: str) -> str:
    lines = knowledge.splitlines()
    return lines[0]
