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
          "fsyncs_per_s": (1, 0.2)}
# Others' work shows in these: a healthy machine is not what was seen.
NEED_QUIET = ("cpu-saturation", "fine.idle")
# What is one for the whole machine: a trial that is not about it and saw it at its limit saw another's.
MACHINE = {"file-max": ("node_filefd_allocated", "node_filefd_maximum"),
           "aio": ("galen_aio_requests", 'galen_sysctl{name="fs.aio-max-nr"}')}
NEAR = 0.75
OTHERS = ('unit="lab"',)  # the groups that prove.py makes
QUIET = 0.2
PROCESSOR = ("node_cpu_", "node_pressure_cpu_", "node_procs_running", "node_load")
OOM = ("node_vmstat_oom_kill",)
# A trial in namespaces of its own says nothing of the machine's memory, disks and groups, and one without
# a network of its own nothing of the network: what is read there is others'.
NAMESPACED = ("accept-queue", "conntrack", "ephemeral-ports", "fin-wait2", "keepalive", "mixed", "msg-queue",
              "semaphores", "shared-memory", "fragments", "pid-max", "udp-rcvbuf")
OWN_NETWORK = ("fine.idle", "fine.accept", "fine.many-accepts", "fine.ports", "fine.many-ports",
               "fine.fin-wait2", "fine.udp", "fine.flows", "fine.many-flows")
MACHINES = ("node_pressure_memory_", "node_pressure_io_", "node_vmstat_pswp", "node_vmstat_pgmajfault",
            "node_vmstat_workingset_", "node_vmstat_allocstall", "galen_unit_",
            'galen_sysctl{name="vm.min_free_kbytes"')
NETWORKS = ("node_netstat_", "node_sockstat_", "galen_tcp_", "galen_udp_", "galen_listener_", "node_nf_")
NOBODYS = ("node_vmstat_nr_throttled_written",)  # no scenario is about it
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
    if trial["role"] != "trap" and trial["label"] == "none" and trial["failed"] > trial["attempts"] * 0.003 \
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


def others_figures(scenario):
    kind = scenario.split(".")[0]
    namespaced = kind in NAMESPACED
    return ((MACHINES if namespaced else ()) + (OOM if not kind.startswith("memory") else ())
            + (NETWORKS if not namespaced and scenario not in OWN_NETWORK else ()))


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
    for trial in lines:
        if "fsyncs" in trial.get("workload_result", {}):  # the load writes until its time is over, and then once more
            trial["workload_result"]["fsyncs_per_s"] = trial["workload_result"]["fsyncs"] / trial["seconds"]
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
        leave_out = NOBODYS + (PROCESSOR if busy else ()) + others_figures(trial["scenario"])
        readings = [seen(f"{folder}/{number}.{phase}", leave_out) for phase in ("begin", "end")]
        print(",".join(readings) + "," +
              ",".join(str(trial[k]).replace(",", ";") for k in COLUMNS))


main()
