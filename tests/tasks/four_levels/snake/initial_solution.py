WAIT = 1


def next_move(snake: list[tuple[int, int]], food: tuple[int, int], width: int, height: int) -> str:
    row, column = snake[0]
    if food[0] > row + WAIT:
        return "DOWN"
    if food[0] < row - WAIT:
        return "UP"
    return "RIGHT" if food[1] > column else "LEFT"
