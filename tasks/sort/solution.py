"""Bring names into natural order: "img9" before "img10". A merge sort that compares names character by character.

Everything here may be edited, and the standard library used. What the outside relies on is
`natural_sort(names: list[str]) -> list[str]`: a new list of the same names in the order that program.md says.
"""

# Pieces so short are sorted by insertion.
CUTOFF = 32
# Find the place of an insertion by halving, instead of step by step from the left.
HALVING = False
# Merge only what is not in order already.
LOOK_FIRST = False
# Take numbers and text apart once for each name, instead of once for each comparison.
SPLIT_ONCE = False


def parts_of(name: str) -> list:
    """Text and numbers in turns, text first."""
    parts = [""]
    for character in name:
        is_digit = character in "0123456789"
        if is_digit != isinstance(parts[-1], int):
            parts.append(int(character) if is_digit else character)
        elif is_digit:
            parts[-1] = 10 * parts[-1] + int(character)
        else:
            parts[-1] += character
    return parts


def comes_before(one, other) -> bool:
    if not SPLIT_ONCE:
        one, other = parts_of(one), parts_of(other)
    return one < other


def insertion_sort(names: list, key: dict) -> list:
    done: list = []
    for name in names:
        low, high = 0, len(done)
        if HALVING:
            while low < high:
                middle = (low + high) // 2
                if comes_before(key[name], key[done[middle]]):
                    high = middle
                else:
                    low = middle + 1
        else:
            while low < high and not comes_before(key[name], key[done[low]]):
                low += 1
        done.insert(low, name)
    return done


def merged(left: list, right: list, key: dict) -> list:
    if LOOK_FIRST and not comes_before(key[right[0]], key[left[-1]]):
        return left + right
    result = []
    i = j = 0
    while i < len(left) and j < len(right):
        if comes_before(key[right[j]], key[left[i]]):
            result.append(right[j])
            j += 1
        else:
            result.append(left[i])
            i += 1
    return result + left[i:] + right[j:]


def merge_sort(names: list, key: dict) -> list:
    if len(names) <= max(1, CUTOFF):
        return insertion_sort(names, key)
    middle = len(names) // 2
    return merged(merge_sort(names[:middle], key), merge_sort(names[middle:], key), key)


def natural_sort(names: list[str]) -> list[str]:
    key = {name: parts_of(name) if SPLIT_ONCE else name for name in names}
    return merge_sort(names, key)
