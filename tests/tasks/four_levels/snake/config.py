TASK_NAME = "snake"
METRIC_NAME = "score"
HIGHER_IS_BETTER = True
PERFECT_SCORE = None

PROMPT_TEMPLATE = (
    "This function steers a snake on a board of 8 by 8:\n\n"
    "{code}\n\n"
    "It eats {metric:.1f} apples in a game, on average. Make it eat more. {{No}} other function is needed."
)


def build_prompt(code: str, metric: float) -> str:
    return PROMPT_TEMPLATE.format(code=code, metric=metric)
