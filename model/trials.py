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
            "eaddrnotavail", "lost_pct", "einval", "refused")
# Others' work shows in these.
NEED_QUIET = ("cpu-saturation", "memory-swap", "fine-idle")
QUIET = 0.2
PROCESSOR = ("node_cpu_", "node_pressure_cpu_", "node_procs_running", "node_load")
COLUMNS = ("scenario", "parameter", "setting", "role", "label", "round", "background_busy", "failed")


def failures(result):
    return sum(v for k, v in result.items() if k in FAILURES and isinstance(v, (int, float)))


def why_not(trial, folder, number):
    if trial.get("killed"):
        return "killed"
    if not os.path.exists(f"{folder}/{number}.end"):
        return "no reading at the end"
    quiet = trial["background_busy"] <= QUIET
    if trial["scenario"] in NEED_QUIET and not quiet:
        return "others were busy"
    if trial["role"] == "before" and trial["label"] in ("increase", "decrease"):
        result = trial["workload_result"]
        if any(k in FAILURES for k in result) and failures(result) == 0:
            return "the limit was not reached"
    return None


def without_processor(path):
    with open(path) as f, open(path + ".quiet", "w") as out:
        out.writelines(line for line in f if not line.startswith(PROCESSOR))
    return path + ".quiet"


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
        reason = why_not(trial, folder, number)
        if reason:
            print(f"left out: {' '.join(key)}: {reason}", file=sys.stderr)
            continue
        trial["round"] = round_no
        trial["failed"] = failures(trial["workload_result"])
        readings = [f"{folder}/{number}.begin", f"{folder}/{number}.end"]
        if trial["background_busy"] > QUIET and not as_seen:
            readings = [without_processor(path) for path in readings]
        print(",".join(readings) + "," +
              ",".join(str(trial[k]).replace(",", ";") for k in COLUMNS))


main()
