"""Lines of the benchmark's table: samples, medians, ratios, targets."""
import statistics
from dataclasses import asdict, dataclass


@dataclass
class Target:
    """What weir is to reach."""
    limit: float               # of the value, or of the ratio when there is a base
    base: str | None = None    # program that the ratio refers to
    below: str | None = None   # weir must also be below this program


class Line:
    """One figure of several programs.  The column of ratios refers to base."""

    def __init__(self, title, unit, *targets, base=None):
        self.title, self.unit, self.targets = title, unit, targets
        self.base = base or (targets[0].base if targets else None)
        self.values = {}   # program -> {round: value}
        self.samples = {}
        self.skipped = {}  # program -> why

    def add(self, program, number, value, sample):
        self.values.setdefault(program, {})[number] = value
        self.samples.setdefault(program, []).append(sample)

    def skip(self, program, why):
        self.skipped[program] = why

    def has(self, program):
        return program in self.values

    def median(self, program):
        return statistics.median(self.values[program].values())

    def ratios(self, program, base):
        """Each round's own ratio: both ran under the same conditions."""
        ours, theirs = self.values.get(program, {}), self.values.get(base, {})
        return [ours[n] / theirs[n] for n in ours if n in theirs and theirs[n] > 0]

    def verdict(self, target):
        if not self.has("weir"):
            return "not measured"
        value = self.median("weir")
        text, met = f"<= {target.limit:g} {self.unit}", value <= target.limit
        if target.base:
            ratios = self.ratios("weir", target.base)
            if not ratios:
                return f"against {target.base}: not measured"
            text = f"<= {share(target.limit)} x {target.base}"
            met = statistics.median(ratios) <= target.limit
        if target.below and self.has(target.below):
            text += f", below {target.below}"
            met = met and value < self.median(target.below)
        return f"{text}: {'met' if met else 'missed'}"

    def verdicts(self):
        return [self.verdict(target) for target in self.targets]

    def rows(self):
        for program, by_round in self.values.items():
            values = list(by_round.values())
            ratio = ""
            if self.base and program != self.base and (r := self.ratios(program, self.base)):
                ratio = f"{statistics.median(r):.2f} ({min(r):.2f}..{max(r):.2f})"
            samples = self.samples[program]
            walls, cpus = [s.wall_s for s in samples], [s.cpu_s for s in samples]
            yield [program, number(statistics.median(values)),
                   f"{number(min(values))}..{number(max(values))}", str(len(values)), ratio,
                   number(statistics.median(cpus)), number(statistics.median(walls))]
        for program, why in self.skipped.items():
            if program not in self.values:
                yield [program, "-", why.replace("\n", " ").replace("|", "/")[:90], "0", "", "", ""]

    def progress(self):
        parts = [f"{row[0]} {row[1]}" + (f" ({row[4]})" if row[4] else "") for row in self.rows()]
        return f"{self.title}, {self.unit}: " + "; ".join(parts)

    def as_json(self):
        return {"title": self.title, "unit": self.unit,
                "targets": [asdict(target) for target in self.targets],
                "verdicts": self.verdicts(), "values": self.values,
                "samples": {p: [asdict(s) for s in all_] for p, all_ in self.samples.items()},
                "skipped": self.skipped}


def extrapolate(small, large, files):
    """small, large: (files, value).  The value at so many files on the line through both; without
    small in proportion."""
    if small is None:
        return large[1] * files / large[0]
    slope = (large[1] - small[1]) / (large[0] - small[0])
    return large[1] + slope * (files - large[0])


def share(limit):
    """1/5 for 0.2: no other fractions are used."""
    return f"1/{round(1 / limit)}" if limit < 1 else f"{limit:g}"


def number(value):
    if value == 0 or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(about, lines):
    tools = "; ".join(about[tool] for tool in ("curl", "rsync", "rclone") if about.get(tool))
    out = [f"{about['date']}, {about['cpu']}, {about['memory_gib']} GiB, Linux "
           f"{about['kernel']}, data on {about['data_on']}, loopback "
           f"({about['congestion_control']}), load before "
           f"{about['load_before']:.1f}; {about['weir']} ({about['commit']}); {tools}",
           "", "| line | program | median | min..max | runs | ratio | CPU s | wall s |",
           "|---|---|---|---|---|---|---|---|"]
    for line in lines:
        for i, row in enumerate(line.rows()):
            title = f"{line.title}, {line.unit}" if i == 0 else ""
            out.append("| " + " | ".join([title, *row]) + " |")
    out += ["", "| target | verdict |", "|---|---|"]
    out += [f"| {line.title}, {line.unit} | {verdict} |"
            for line in lines for verdict in line.verdicts()]
    return "\n".join(out)
