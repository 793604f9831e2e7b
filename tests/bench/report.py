"""Lines of the benchmark's table: samples, medians, ratios, targets."""
import statistics
from dataclasses import asdict, dataclass


@dataclass
class Target:
    limit: float               # of the value, or of the ratio when there is a base
    base: str | None = None    # program that the ratio refers to
    below: str | None = None   # weir must also be below this program


class Line:
    def __init__(self, title, unit, target):
        self.title, self.unit, self.target = title, unit, target
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

    def ratios(self, program, base):
        """Each round's own ratio: both ran under the same conditions."""
        ours, theirs = self.values.get(program, {}), self.values.get(base, {})
        return [ours[n] / theirs[n] for n in ours if n in theirs and theirs[n] > 0]

    def verdict(self):
        if not self.has("weir"):
            return "not measured"
        value = statistics.median(self.values["weir"].values())
        text, met = f"<= {self.target.limit:g} {self.unit}", value <= self.target.limit
        if self.target.base:
            ratios = self.ratios("weir", self.target.base)
            if not ratios:
                return "not measured"
            text = f"<= {self.target.limit:g} x {self.target.base}"
            met = statistics.median(ratios) <= self.target.limit
        if self.target.below and self.has(self.target.below):
            text += f", below {self.target.below}"
            met = met and value < statistics.median(self.values[self.target.below].values())
        return f"{text}: {'met' if met else 'missed'}"

    def rows(self):
        for program, by_round in self.values.items():
            values = list(by_round.values())
            ratio = ""
            base = self.target.base
            if base and program != base and (r := self.ratios(program, base)):
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
        return {"title": self.title, "unit": self.unit, "target": asdict(self.target),
                "verdict": self.verdict(), "values": {p: list(v.values())
                                                      for p, v in self.values.items()},
                "samples": {p: [asdict(s) for s in all_] for p, all_ in self.samples.items()},
                "skipped": self.skipped}


def number(value):
    if value == 0 or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(about, lines):
    out = [f"{about['date']}, {about['cpu']}, {about['memory_gib']} GiB, Linux "
           f"{about['kernel']}, loopback ({about['congestion_control']}), load before "
           f"{about['load_before']:.1f}; {about['weir']} ({about['commit']}); {about['curl']}",
           "", "| line | program | median | min..max | runs | x floor | CPU s | wall s |",
           "|---|---|---|---|---|---|---|---|"]
    for line in lines:
        for i, row in enumerate(line.rows()):
            title = f"{line.title}, {line.unit}" if i == 0 else ""
            out.append("| " + " | ".join([title, *row]) + " |")
    out += ["", "| target | verdict |", "|---|---|"]
    out += [f"| {line.title} | {line.verdict()} |" for line in lines]
    return "\n".join(out)
