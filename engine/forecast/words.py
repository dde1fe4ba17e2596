"""A forecast and its one plain sentence."""

import math

from . import Forecast, Setting


def worded(
    setting: Setting,
    share: float,
    mean: float | None,
    sd: float | None,
    p_better: float,
    abort_below: float,
    *,
    abort: bool,
    why: str = "",
) -> Forecast:
    """The forecast; its reason is the numbers, or `why` where they decide nothing."""
    saves = (1 - share) * setting.budget
    reason = "; ".join(filter(None, [why, "" if why and mean is None else _numbers(setting, mean, sd, p_better)]))
    if abort:
        reason += f", {_amount(saves, setting.unit)} saved"
    return Forecast(share, mean, sd, p_better, abort_below, abort, reason, saves)


def _numbers(setting: Setting, mean: float | None, sd: float | None, p_better: float) -> str:
    chance = f"{_percent(p_better)} chance to improve"
    if setting.best is None:
        return "there is no best to beat yet"
    if mean is None or sd is None:
        return f"best is {setting.best:.4g}, {chance}"
    digits = _digits(sd)
    return f"would end at {mean:.{digits}f} ± {sd:.{digits}f}, best is {setting.best:.{digits}f}, {chance}"


def _percent(p: float) -> str:
    return "under 1 %" if p < 0.005 else f"{100 * p:.0f} %"


def _digits(sd: float) -> int:
    """Enough to show two digits of the uncertainty."""
    return min(6, max(0, 1 - math.floor(math.log10(sd)))) if sd > 0 and math.isfinite(sd) else 4


def _amount(saves: float, unit: str) -> str:
    return f"{saves:.0f} {unit}" if saves >= 1 else f"{saves:.2g} {unit}"
