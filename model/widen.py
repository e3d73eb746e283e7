#!/usr/bin/env python3
"""data.csv -> rows to train with, on standard output.

A lab on one machine sees one machine: some signals never change there, others are always sent.
A model trained on that alone would be sure of nonsense elsewhere. So each trial appears
  - as it was (copy 0);
  - COPIES times with a part of the signals that its scenario is not about missing, with parameters
    elsewhere than at their defaults, and with another healthy level of processor, memory and disk;
  - once with only what the seeds' payload holds; then only a full disk is a reason.
The same input gives the same output.

usage: widen.py data.csv > rows.csv;  widen.py --inputs data.csv: the inputs, separated by commas
"""
import csv
import random
import sys

COPIES = 4
MISSING_SHARE = 0.15
FIRST_FEATURE = "cpu_busy"
PROCESSOR = ["cpu_busy", "cpu_system", "cpu_iowait", "cpu_steal", "cpu_softirq_max_cpu",
             "running_per_cpu", "psi_cpu_some", "load1_per_cpu"]
PAYLOAD = ["cpu_busy", "mem_available", "swap_used", "swap_present", "fs_used", "files_used",
           "at_swappiness", "at_fin_timeout"]
# Nothing that the agent sends tells these apart from a healthy host: no lesson in them. (msgsnd() fails
# with EINVAL and no counter moves; how long a connection has been idle is not asked of the kernel.)
UNSEEN = {"msg-queue.size", "keepalive"}
# Signals of all kinds together. Where one of them tells the tale, a scenario's own signal is often
# taken away, so that the model learns to listen to them: then it notices a kind that it has not met.
COMMON = {"tables_used", "refusals"}
# Its own signals are what tells the program's limit from the kernel's.
OWN_NEEDED = {"accept-queue"}
# What a kind of scenario is about: never made missing, and not given another level.
ABOUT = {
    "accept-queue": ["listen_overflows", "listener_limit_is_somaxconn", "listener_limit_is_program",
                     "refusals"],
    "aio": ["aio_used", "tables_used"],
    "conntrack": ["conntrack_used", "conntrack_drops", "conntrack_unowned", "at_conntrack_timeout",
                  "tables_used", "refusals"],
    "cpu-quota": ["group_throttled"],
    "cpu-saturation": PROCESSOR,
    "disk-full": ["fs_used", "inodes_used"],
    "disk-slow": ["psi_io_some", "psi_io_full", "cpu_iowait"],
    "ephemeral-ports": ["time_wait_used"],
    "file-max": ["files_used", "tables_used", "at_file_max"],
    "fin-wait2": ["fin_wait2_used"],
    "fragments": ["reassembly_fails"],
    "inotify": ["inotify_watches_used", "inotify_instances_used", "tables_used"],
    "keepalive": ["keepalive_counts", "at_keepalive_time"],
    "map-count": ["maps_used", "tables_used"],
    "memory-group": ["group_oom_kills", "group_memory_hits", "group_memory_used", "oom_kills"],
    "memory-swap": ["psi_memory_some", "psi_memory_full", "swap_in", "swap_out", "refault_file",
                    "refault_anon", "major_faults", "at_swappiness", "mem_available", "allocstall",
                    "group_memory_hits", "group_memory_used"],
    "min-free": ["memory_reserved"],
    "msg-queue": ["msg_queue_used", "msg_queues_used", "tables_used"],
    "nofile": ["nofile_used", "tables_used"],
    "pid-max": ["pids_used", "tables_used"],
    "pids-group": ["group_pids_used", "tables_used"],
    "semaphores": ["sem_sets_used", "semaphores_used", "tables_used"],
    "shared-memory": ["shm_segments_used", "shm_bytes_used", "tables_used"],
    "udp-rcvbuf": ["udp_receive_errors", "udp_limit_is_default", "udp_limit_is_max", "refusals"],
}
MIXED = {
    "mixed.accept-and-messages": ("accept-queue", "msg-queue"),
    "mixed.queues-and-semaphores": ("msg-queue", "semaphores"),
    "mixed.accept-under-cpu": ("accept-queue", "cpu-saturation"),
    "mixed.fin-wait2-under-flows": ("fin-wait2",),
    "mixed.ports-under-messages": ("ephemeral-ports", "msg-queue"),
    "mixed.disk-under-connections": ("disk-full",),
    "mixed.inodes-under-cpu": ("disk-full", "cpu-saturation"),
}


def kind_of(scenario):
    """What is held out together: variants of a kind, a mixture with the limit that its load meets;
    loads that are well are kinds of their own."""
    if scenario in MIXED:
        return MIXED[scenario][0]
    return scenario if scenario.startswith(("fine.", "mixed.")) else scenario.split(".")[0]


def about_of(scenario):
    kinds = MIXED.get(scenario, (kind_of(scenario),))
    return [name for kind in kinds for name in ABOUT.get(kind, [])]


def read(path):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    names = list(rows[0])
    features = [n for n in names[names.index(FIRST_FEATURE):] if not n.endswith("_missing")]
    return rows, features


def lose(row, name):
    row[name] = "0"
    row[name + "_missing"] = "1"


def has(row, name):
    return row[name + "_missing"] == "0"


def put(row, name, value):
    if has(row, name):
        row[name] = f"{value:.7g}"


def healthy_level(row, chance, about):
    levels = {
        "cpu_busy": chance.uniform(0, 0.9),
        "cpu_system": chance.uniform(0, 0.2),
        "cpu_iowait": chance.uniform(0, 0.1),
        "psi_cpu_some": chance.uniform(0, 0.1),
        "running_per_cpu": chance.uniform(0, 0.9),
        "load1_per_cpu": chance.uniform(0, 0.9),
        "mem_available": chance.uniform(0.15, 0.95),
        "mem_anon": chance.uniform(0.02, 0.7),
        "fs_used": chance.uniform(0.05, 0.85),
        "inodes_used": chance.uniform(0, 0.7),
        "swap_used": chance.uniform(0, 0.5),
        "commit": chance.uniform(0.05, 0.9),
    }
    for name, value in levels.items():
        if name not in about and chance.random() < 0.7:
            if name in PROCESSOR and not has(row, name):
                row[name + "_missing"] = "0"
            put(row, name, value)


def widened(row, features, chance):
    about = about_of(row["scenario"])
    out = dict(row)
    healthy_level(out, chance, about)
    common = COMMON & set(about) and kind_of(row["scenario"]) not in OWN_NEEDED
    for name in features:
        if name in about:
            if common and name not in COMMON and chance.random() < 0.5:
                lose(out, name)
            continue
        if name.startswith("at_"):
            put(out, name, float(row[name]) + chance.uniform(-5, 5))
        if chance.random() < MISSING_SHARE:
            lose(out, name)
    return out


def payload_only(row, features):
    out = dict(row)
    for name in features:
        if name not in PAYLOAD:
            lose(out, name)
    if row["parameter"] != "disk.space":
        out["label"] = "none"
    return out


def inputs(rows, features):
    """Features that differ between trials; nothing can be learned from the others."""
    kept = [n for n in features if len({r[n] for r in rows if has(r, n)}) > 1]
    return ",".join(f"{n},{n}_missing" for n in kept)


def main():
    if sys.argv[1] == "--inputs":
        print(inputs(*read(sys.argv[2])))
        return
    rows, features = read(sys.argv[1])
    chance = random.Random(1)
    out = csv.DictWriter(sys.stdout, ["copy", "kind"] + list(rows[0]), lineterminator="\n")
    out.writeheader()
    for row in rows:
        if row["scenario"] in UNSEEN and row["label"] != "none":
            continue
        row = {"kind": kind_of(row["scenario"]), **row}
        out.writerow({"copy": 0, **row})
        for copy in range(COPIES):
            out.writerow({"copy": copy + 1, **widened(row, features, chance)})
        out.writerow({"copy": "payload", **payload_only(row, features)})


main()
