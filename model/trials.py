#!/usr/bin/env python3
"""The lab's trials -> TRIALS.csv for `galen features`: joins what the hook wrote (DIR) with the lab's
JSON lines (DIR/trials.jsonl) and leaves out trials that prove nothing (lab/README.md).

Where others kept the processors busy during a trial, its processor figures are theirs, and the label
knows nothing of them: then these figures are taken out of the readings, for rules and classifier
alike. --as-seen leaves them in.

usage: trials.py [--as-seen] DIR ROUND > TRIALS.csv
"""
import json
import os
import sys

# What a workload calls it when its limit bites.
FAILURES = ("failed", "slow", "enospc", "eagain", "emfile", "enfile", "eperm", "enomem",
            "eaddrnotavail", "lost_pct", "einval", "refused", "oom_killed")
# What tells a remedy that nobody's failure tells: more of it (1) or less (-1) is better, by a fifth at
# least; of the memory that programs could have, by a fiftieth.
BETTER = {"available_mb": (1, 0.02), "tx_per_s": (1, 0.2), "cpu_per_worker": (1, 0.2), "work_per_s": (1, 0.2),
          "fsync_p50_ms": (-1, 0.2)}
# Others' work shows in these: a healthy machine is not what was seen.
NEED_QUIET = ("cpu-saturation", "memory-swap", "fine.idle", "fine.cpu")
# What is one for the whole machine: a trial that is not about it and saw it at its limit saw another's.
MACHINE = {"file-max": ("node_filefd_allocated", "node_filefd_maximum"),
           "aio": ("galen_aio_requests", 'galen_sysctl{name="fs.aio-max-nr"}')}
NEAR = 0.75
OTHERS = ('unit="lab"',)  # the groups that prove.py makes
QUIET = 0.2
PROCESSOR = ("node_cpu_", "node_pressure_cpu_", "node_procs_running", "node_load")
OOM = ("node_vmstat_oom_kill",)
COLUMNS = ("scenario", "parameter", "setting", "role", "label", "round", "background_busy", "failed")


def failures(result):
    return sum(v for k, v in result.items() if k in FAILURES and isinstance(v, (int, float)))


def why_not(trial, folder, number, trials):
    if trial.get("killed"):
        return "killed"
    if not os.path.exists(f"{folder}/{number}.end"):
        return "no reading at the end"
    kind = trial["scenario"].split(".")[0]
    quiet = trial["background_busy"] <= QUIET
    if {kind, trial["scenario"]} & set(NEED_QUIET) and trial["label"] == "none" and not quiet:
        return "others were busy"
    foreign = others_limit(f"{folder}/{number}.end", kind)
    if foreign:
        return f"another's limit was reached: {foreign}"
    if trial["role"] == "before" and trial["label"] != "none":
        return not_proved(trial, trials)
    if trial["role"] != "trap" and trial["label"] == "none" and trial["failed"] > trial["attempts"] * 0.05 \
            and not trial["workload_result"].get("served"):
        return "it was not well"
    return None


def others_limit(path, kind):
    with open(path) as f:
        figures = dict(line.rsplit(" ", 1) for line in f if not line.startswith("#") and " " in line)
    for about, (use, limit) in MACHINE.items():
        if about != kind and use in figures and float(figures[use]) > NEAR * float(figures.get(limit, "inf")):
            return about
    return None


def not_proved(trial, trials):
    """A limit bites when the workload fails, or when the remedy makes it better."""
    result = trial["workload_result"]
    after = [t["workload_result"] for t in trials
             if t["scenario"] == trial["scenario"] and t["role"] == "after" and not t.get("killed")]
    if any(k in FAILURES for k in result):
        if not failures(result):
            return "the limit was not reached"
        helped = [failures(t) for t in after if failures(t) < failures(result) / 2 or t.get("served")]
        return None if helped else "the remedy did not help"
    for name, (sign, least) in BETTER.items():
        if name in result and after:
            then = sum(t[name] for t in after) / len(after)
            return None if sign * (then - result[name]) > least * max(result[name], 1e-9) \
                else f"the remedy did not better {name}: {result[name]} -> {then}"
    return "no outcome to judge by"


def seen(path, leave_out):
    """The reading without what is others'."""
    with open(path) as f, open(path + ".own", "w") as out:
        out.writelines(line for line in f
                       if not line.startswith(leave_out) and not any(o in line for o in OTHERS))
    return path + ".own"


def main():
    as_seen = sys.argv[1] == "--as-seen"
    folder, round_no = sys.argv[-2], sys.argv[-1]
    with open(f"{folder}/trials.jsonl") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    print("begin,end," + ",".join(COLUMNS))
    number = 0
    for trial in lines:
        key = [trial[k] for k in ("scenario", "parameter", "setting", "role", "label")]
        while True:  # a begin without a line: the load was stopped
            number += 1
            try:
                with open(f"{folder}/{number}.meta") as f:
                    if f.read().rstrip("\n").split("\t") == key:
                        break
            except FileNotFoundError:
                sys.exit(f"{folder}: no reading belongs to {key}")
        trial["failed"] = failures(trial["workload_result"])
        trial["attempts"] = trial["workload_result"].get("attempts", 0) or 100
        reason = why_not(trial, folder, number, lines)
        if reason:
            print(f"left out: {' '.join(key)}: {reason}", file=sys.stderr)
            continue
        trial["round"] = round_no
        about_it = trial["scenario"].startswith("cpu-saturation") and trial["label"] != "none"
        busy = trial["background_busy"] > QUIET and not as_seen and not about_it
        leave_out = (PROCESSOR if busy else ()) + (() if trial["scenario"].startswith("memory") else OOM)
        readings = [seen(f"{folder}/{number}.{phase}", leave_out or ("\0",)) for phase in ("begin", "end")]
        print(",".join(readings) + "," +
              ",".join(str(trial[k]).replace(",", ";") for k in COLUMNS))


main()
