"""How sure a number is, in words: noise, repeats, what is confirmed and what is kept for now. Pure."""

from statistics import stdev

from loopwatch.engine import events
from loopwatch.engine.state import Experiment, State

from .words import VERDICTS, after, number, spread


def noise(state: State) -> str:
    """How much identical trainings differ, and who says so."""
    known = state.noise
    if not known.is_measured:
        if known.declared is None:
            return "noise not measured, and the task declares none"
        return f"noise not measured; the task declares {number(known.declared) if known.declared else '0'}"
    if not known.sigma:
        return "no noise: all repeats gave exactly the same number"
    speed = state.noise_from_speed
    share = f", {speed:.0%} of its variance goes with the machine's speed" if speed is not None else ""
    interval = f"95 %: {spread(known.low)} to {spread(known.high)}"
    return f"noise σ = {spread(known.sigma)} ({interval}, {known.freedom} degrees of freedom){share}"


def repeats(experiment: Experiment) -> str:
    """What came of an experiment's repeats: their mean, and each."""
    done = [repeat.measured for repeat in experiment.repeats if repeat.measured]
    each = ", ".join(number(m.value) if m.value is not None else m.outcome.replace("_", " ") for m in done)
    seeds = f"{len(done)} fresh seed{'' if len(done) == 1 else 's'}"
    return f"{number(experiment.estimate)} on average; {seeds}: {each}" if done else "not yet"


def repeated(fact: events.RepeatMeasured) -> str:
    """What a repeat measured, or why it has no number."""
    return (number(fact.value) if fact.value is not None else "no number") + after("; ", fact.problem)


def tries(experiment: Experiment, state: State) -> str:
    """What an experiment is worth beside the last confirmed one."""
    rival = state.confirmed_experiment
    against = f" against {_worth(rival)}" if rival and rival is not experiment else ""
    return _worth(experiment) + against


def _worth(experiment: Experiment) -> str:
    """The mean of an experiment's fresh numbers, how far they lie apart, and how many they are."""
    fresh, mean = experiment.fresh, f"#{experiment.number} {number(experiment.estimate)}"
    return f"{mean} ± {spread(stdev(fresh))} ({len(fresh)} seeds)" if len(fresh) > 1 else f"{mean} (1 training)"


def standing(experiment: Experiment) -> str:
    """Whether what is kept counts: confirmed or provisional; "" for what is not kept."""
    return "" if experiment.verdict != "kept" else "confirmed" if experiment.confirmed else "provisional"


def confirms(state: State) -> bool:
    """Whether what a run keeps is told from luck sooner or later; the classic loop never does."""
    return state.opened is not None and state.opened.config.keep != "improve"


def counts(state: State) -> str:
    """How the experiments went, such as `12 experiments: 4 kept, 8 discarded`."""
    judged = state.count()
    doubt = {
        "kept": sum(e.is_provisional for e in state.experiments.values()) if confirms(state) else 0,
        "discarded": sum(e.quarantined for e in state.experiments.values()),
    }
    which = {"kept": "provisional", "discarded": "doubted"}
    parts = [
        f"{state.count(key)} {word}" + (f" ({doubt[key]} {which[key]})" if doubt.get(key) else "")
        for key, word in VERDICTS.items()
        if state.count(key)
    ]
    return f"{judged} experiment{'' if judged == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")


def best(state: State) -> str:
    """The best experiment and how far it is from the baseline."""
    found, baseline = state.best_experiment, state.baseline
    if found is None or found.value is None:
        return "nothing kept yet"
    said = f"#{found.number} with {number(state.best_value)}"
    sure = state.confirmed_experiment
    if found.is_provisional and sure and confirms(state):
        return f"{said} provisional; confirmed: #{sure.number} with {number(state.confirmed_value)}"
    if found.is_baseline or baseline is None or baseline.value is None:
        return f"{said}, the baseline"
    said += " confirmed" if found.confirmed and confirms(state) else ""
    if (progress := state.progress) is None:
        return said
    gain, before = state.metric.gain(progress.best, progress.baseline), progress.baseline
    share = f" ({abs(gain / before):.2%})" if before else ""
    tests = " on the original tests" if progress.original else ""
    way = "better" if gain >= 0 else "worse"
    return f"{said}, {number(abs(gain))}{share} {way} than the baseline's {number(before)}{tests}"
