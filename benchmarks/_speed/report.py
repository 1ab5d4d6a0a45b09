"""Tables in Markdown, row by row as they are measured."""

from .row import MOST_MEMORY, WORTH_COUNTING

VERDICTS = {True: "met", False: "**missed**", None: ""}


class Table:
    """A table whose rows are written as they come."""

    def __init__(self, write, title, heads):
        write(f"\n### {title}\n")
        write("| " + " | ".join(heads) + " |")
        write("|---|" + "---:|" * (len(heads) - 1))
        self.write = write

    def row(self, *cells):
        """Write a row."""
        self.write("| " + " | ".join(map(str, cells)) + " |")


def time(seconds):
    """Return a time with a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{three(seconds / size)} {unit}"
    return "0"


def three(value):
    """Return a number with two or three digits that count."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.1f}"


def gain(value):
    """Return a ratio with two decimals."""
    return f"{value:.2f}"


# ---------------------------------------------------------------------- rows of each table
CALLS = ("call", "data", "time", "yardstick", "times as fast as", "memory / input", "goal")


def call_row(result):
    """Return the cells of a call."""
    about = "~" if result["is_extended"] else ""
    peer = result["peer"] or ""
    if peer:
        faster = result["speedup"]
        peer = f"{peer}: not installed" if faster is None else f"{peer}: {three(faster)}"
    excess = above_memory(result)
    memory = three(result["memory"]) if result["memory"] is not None else ""
    return (
        result["name"],
        result["data"],
        about + time(result["seconds"]),
        f"{three(result['yardsticks'])} {result['yardstick']}",
        peer,
        f"**{memory}**" if excess else memory,
        "; ".join(f"{own['goal']}: {VERDICTS[own['met']]}" for own in result["goals"]),
    )


def above_memory(result):
    """Whether a call holds too much memory beside its input and result."""
    counts = result["memory"] is not None and result["input_bytes"] >= WORTH_COUNTING
    return counts and result["memory"] > MOST_MEMORY


SCALING = ("call", "from size", "to size", "times", "exponent")


def scaling_row(result):
    """Return the cells of a series."""
    sizes = list(result["times"])
    times = ", ".join(map(time, result["times"].values()))
    ends = (f"{result['size']} = {sizes[0]:,}", f"{sizes[-1]:,}")
    return result["name"], *ends, times, gain(result["exponent"])


THREADS = (
    *("call", "data", "time, 1 job", "gain of 2 jobs", "gain of the yardstick"),
    *("gain of BLAS's threads", "noise", "goal"),
)


def threads_row(result):
    """Return the cells of a comparison of threads."""
    gains = (result[key] for key in ("gain", "yardstick_gain", "blas_gain", "noise"))
    cells = result["name"], result["data"], time(result["seconds"])
    return *cells, *map(gain, gains), VERDICTS[result["met"]]


IMPORTS = ("statement", "time", "goal")


def import_row(result):
    """Return the cells of an import."""
    return f"`{result['name']}`", time(result["seconds"]), VERDICTS[result["met"]]


FIRST_CALLS = (
    *("fit, score and sample", "cold cache", "warm cache", "missing values, cold"),
    *("missing values, warm", "goal"),
)


def first_call_row(result):
    """Return the cells of first calls."""
    keys = ("cold", "warm", "cold_missing", "warm_missing")
    return result["name"], *(time(result[key]) for key in keys), VERDICTS[result["met"]]


def summary(results):
    """Return how many goals are met, in a sentence each."""
    verdicts = [own["met"] for result in results for own in result.get("goals", ())]
    verdicts += [result["met"] for result in results if result.get("met") is not None]
    calls = [result for result in results if "memory" in result]
    above = sum(map(above_memory, calls))
    return (
        f"{sum(verdicts)} of {len(verdicts)} goals are met. {above} of {len(calls)} calls hold "
        f"more than {MOST_MEMORY:g} times their input, which is of a MB or more, beyond it and "
        "their result."
    )
