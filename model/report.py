#!/usr/bin/env python3
"""rows.csv (widen.py) and held-out probabilities (galen train --predictions) -> REPORT.md

usage: report.py FOLDER data.csv; the folder holds rows.csv, kind.csv, scenario.csv and round.csv
"""
import csv
import sys
from collections import Counter, defaultdict

CLASSES = ["none", "increase", "decrease", "upgrade"]
ALONE = 0.9  # as in src/advise/decide.c: sure enough to speak without a rule


def confusion(pairs):
    table = [[0] * 4 for _ in range(4)]
    for truth, said in pairs:
        table[CLASSES.index(truth)][CLASSES.index(said)] += 1
    return table


def macro_f1(table):
    scores = []
    for c in range(4):
        truth, said = sum(table[c]), sum(table[i][c] for i in range(4))
        if truth:
            scores.append(2 * table[c][c] / (truth + said))
    return sum(scores) / len(scores)


def accuracy(table):
    return sum(table[c][c] for c in range(4)) / max(1, sum(map(sum, table)))


def ece(rows):
    bins = defaultdict(list)
    for row in rows:
        best = max(row["p"])
        bins[min(9, int(best * 10))].append((best, row["label"] == row["model"]))
    return sum(abs(sum(p - ok for p, ok in b)) for b in bins.values()) / max(1, len(rows))


def print_table(title, table):
    print(f"\n### {title}\n\nmacro-F1 {macro_f1(table):.3f}, accuracy {accuracy(table):.3f}\n")
    print("| truth \\ said | " + " | ".join(CLASSES) + " | recall |\n|---" * 1 + "|---" * 5 + "|")
    for c, name in enumerate(CLASSES):
        n = sum(table[c])
        recall = f"{table[c][c] / n:.2f}" if n else "-"
        print(f"| {name} | " + " | ".join(map(str, table[c])) + f" | {recall} |")


def read(folder, split):
    with open(f"{folder}/rows.csv", newline="") as f, open(f"{folder}/{split}.csv", newline="") as g:
        for row, p in zip(csv.DictReader(f), csv.DictReader(g)):
            if row["copy"] != "0":
                continue
            row["p"] = [float(p[c]) for c in CLASSES]
            row["model"] = CLASSES[row["p"].index(max(row["p"]))]
            sure = row["model"] if max(row["p"]) >= ALONE else "none"
            row["both"] = row["rules_class"] if row["rules_class"] != "none" else sure
            yield row


def unseen(folder, data):
    """Trials that no signal shows, by parameter."""
    with open(f"{folder}/rows.csv", newline="") as f:
        used = {(r["scenario"], r["parameter"]) for r in csv.DictReader(f) if r["label"] != "none"}
    with open(data, newline="") as f:
        return Counter(r["parameter"] for r in csv.DictReader(f)
                       if r["label"] != "none" and (r["scenario"], r["parameter"]) not in used)


def by_scenario(rows):
    print("\n## By scenario\n\nTrials right, of all.\n")
    print("| scenario | trials | rules | model, not having seen its kind | both | rules that spoke |")
    print("|---|---|---|---|---|---|")
    groups = defaultdict(list)
    for row in rows:
        groups[row["scenario"]].append(row)
    for name in sorted(groups):
        g = groups[name]
        right = [sum(r[k] == r["label"] for r in g) for k in ("rules_class", "model", "both")]
        spoke = Counter(r["rules_first"] for r in g if r["rules_first"])
        print(f"| {name} | {len(g)} | " + " | ".join(map(str, right)) + " | " +
              (", ".join(f"{k} x{v}" for k, v in sorted(spoke.items())) or "-") + " |")


def scores(rows):
    return [macro_f1(confusion([(r["label"], r[k]) for r in rows])) for k in ("rules_class", "model", "both")]


def adds(rows):
    """Where the model's word changed what the rules alone would have said: for better, for worse."""
    changed = [r for r in rows if r["both"] != r["rules_class"]]
    better = Counter(r["scenario"] for r in changed if r["both"] == r["label"])
    worse = Counter(r["scenario"] for r in changed if r["rules_class"] == r["label"])
    return better, worse


def listed(counter):
    return ", ".join(f"{k} x{v}" for k, v in sorted(counter.items())) or "none"


def main():
    folder, data = sys.argv[1], sys.argv[2]
    by = {split: list(read(folder, split)) for split in ("kind", "scenario", "round")}
    rows, known = by["kind"], by["round"]
    tables = {k: confusion([(r["label"], r[k]) for r in rows]) for k in
              ("rules_class", "model", "both")}
    raw = confusion([(r["label"], r["rules_as_seen"]) for r in rows])
    busy = sum(float(r["background_busy"]) > 0.2 for r in rows)
    seen = confusion([(r["label"], r["model"]) for r in known])
    rounds, kinds = len({r["round"] for r in rows}), len({r["kind"] for r in rows})
    scenarios = len({r["scenario"] for r in rows})
    print(f"""# The default classifier

Made by `make.sh` from `data.csv`: {len(rows)} trials of {scenarios} scenarios of {kinds} kinds in {rounds} rounds, taken by
galen-agent's own collectors and turned into features by `rules/features.yaml`. Three questions:

- **held-out kinds**: every trial is judged by a model that has not seen its kind of limit in any variant
  (five folds by kind): it meets that kind for the first time;
- **held-out scenarios**: by a model that has not seen its scenario, but perhaps another variant of its kind;
- **held-out rounds**: by a model that has not seen its round: a known scenario in a new run.

| macro-F1 | rules alone | model alone | both | model's calibration error (ECE) |
|---|---|---|---|---|""")
    for split, name in (("kind", "held-out kinds"), ("scenario", "held-out scenarios"), ("round", "held-out rounds")):
        print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in scores(by[split])) + f" | {ece(by[split]):.3f} |")
    better, worse = adds(rows)
    known_better, known_worse = adds(known)
    print(f"""
What the model adds to the rules (it speaks where they are silent and it is {ALONE:.0%} sure): with its kind held out it
mended {sum(better.values())} trials ({listed(better)}) and spoiled {sum(worse.values())} ({listed(worse)}); with its round held out it mended
{sum(known_better.values())} ({listed(known_better)}) and spoiled {sum(known_worse.values())} ({listed(known_worse)}).

In {busy} of the trials others kept the processors of the shared machine busy. Their processor figures
are taken out, for rules and classifier alike, because the labels speak of the trial's own load; so are
the machine's memory and disks where a trial has namespaces of its own, and the network where it has
none. With all left in, the rules also speak of what others did, the labels call that wrong, and
their macro-F1 is {macro_f1(raw):.3f} (accuracy {accuracy(raw):.3f}).

The shipped file is trained with all trials (and what `widen.py` makes of them).

## Confusion""")
    print_table("Rules alone", tables["rules_class"])
    print_table("Model alone, held-out kinds", tables["model"])
    print_table("Model alone, held-out rounds", seen)
    print_table("Both, held-out rounds", confusion([(r["label"], r["both"]) for r in known]))
    print_table("Both, held-out kinds: the rules, and where they are silent the model if it is "
                "90 % sure", tables["both"])
    by_scenario(rows)
    lost = unseen(folder, data)
    print(f"\nBesides, {sum(lost.values())} trials hit limits that no signal of the agent shows yet "
          "(" + ", ".join(sorted(lost)) + "): rules and model are silent there.\n")
    with open("LIMITS.md") as f:
        print(f.read().rstrip("\n"))


main()
