#!/usr/bin/env python3
"""The queries that people really ask, compared with a real Prometheus 2: every expression of
rules/features.yaml, of rules/advice and of the Grafana dashboards, over hours of an agent's series.

    recorded.py PROMQLEVAL

The series are those that an agent sends of a recorded machine (labels and first values as it sent
them), under two names of hosts; time is simulated: four hours with restarts of the host (counters
begin anew), gaps, stale markers and a host that comes later. See differential.py for the rest.
"""
import glob
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import differential  # noqa: E402
import galen  # noqa: E402

STEP_MS = 15_000
HOURS = 4
# Go's log2 of what is close to 1 is right to 1e-16 absolutely, not relatively (docs/PROMQL.md).
LEFT_OUT = re.compile(r"\blog2\(")
differential.SPAN_MS = HOURS * 3_600_000


def sent_by_an_agent(folder):
    """[(labels, value)] of everything that the server has of a recorded machine."""
    server = galen.Server(folder, args=["--rules", ROOT / "rules"]).start()
    agent = galen.Agent(folder, server, root=ROOT / "tests/machines/debian12").start()
    try:
        galen.wait_for(lambda: server.query("galen_tcp_sockets") and server.query("node_load1"), 20)
        text = server.request("GET", "/federate?match[]=%7Bjob%3D%22node%22%7D")[2].decode()
    finally:
        agent.stop()
        server.stop()
    out = []
    for line in text.splitlines():
        found = re.fullmatch(r'([a-zA-Z0-9_]+)\{(.*)\} (\S+) \d+', line)
        if found and "\\" not in found.group(2):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2)))
            out.append((dict(labels, __name__=found.group(1)), float(found.group(3))))
    return out


def simulated(rng, sent):
    """Quarters of whole numbers, so that sums are exact in any order."""
    data = []
    count = differential.SPAN_MS // STEP_MS
    for host in ("web1", "web2"):
        first = count // 5 if host == "web2" else 0
        restart = rng.randrange(count // 2, count)
        gaps = {rng.randrange(count) + k for k in range(30)}
        for labels, value in sent:
            name = labels["__name__"]
            rest = {k: v for k, v in labels.items() if k not in ("__name__", "instance")}
            s = differential.Series(name)
            s.labels.update(rest, instance=host)
            counter = name.endswith("_total") or re.match("node_(vmstat|netstat)_", name)
            v = float(int(value)) if abs(value) < 2 ** 50 else 0.0
            steady = rng.random() < 0.4
            for i in range(first, count):
                if counter:
                    v = 0.0 if i == restart else v + (0 if steady else rng.randrange(40) / 4)
                elif not steady and rng.random() < 0.5:
                    v = max(0.0, v + rng.randrange(-8, 9) / 4)
                t = differential.BEGIN_MS + i * STEP_MS + 1234
                if i in gaps:
                    continue
                s.samples.append((t, v))
                if i + 1 == restart:
                    s.samples.append((t + 5000, None))
            data.append(s)
    return data


# ---- the queries ----

def texts_of(node, key=""):
    """Every text of a rule file that is an expression, by its key."""
    if isinstance(node, dict):
        for k, v in node.items():
            yield from texts_of(v, k)
    elif isinstance(node, list):
        for v in node:
            yield from texts_of(v, key)
    elif isinstance(node, str) and key in ("expr", "signal", "use", "when", "unless", "propose",
                                           "bounds", "seen", "booted", "settled"):
        yield node


def queries_of_rules():
    import yaml
    for path in sorted(glob.glob(str(ROOT / "rules/**/*.yaml"), recursive=True)):
        for rule in [yaml.safe_load(pathlib.Path(path).read_text())]:
            for one in rule if isinstance(rule, list) else [rule]:
                signal = one.get("signal") or one.get("use") or \
                    "rate(%s[$window])" % one.get("counter", "up")
                for text in texts_of(one):
                    for name, value in (("$signal", "(%s)" % signal), ("$use", "(%s)" % signal),
                                        ("$window", str(one.get("window", "15m"))),
                                        ("$value", "4096")):
                        text = text.replace(name, value)
                    yield text.strip()


def queries_of_dashboards():
    for path in sorted(glob.glob(str(ROOT / "deploy/grafana/dashboards/*.json"))):
        for panel in json.loads(pathlib.Path(path).read_text())["panels"]:
            for target in panel.get("targets", []):
                yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+")


def main():
    if not shutil.which("prometheus"):
        print("ok 1 - queries of rules and dashboards # SKIP no prometheus is installed")
        return differential.SKIPPED
    exprs = list(dict.fromkeys([*queries_of_rules(), *queries_of_dashboards()]))
    exprs = [e.replace("\n", " ") for e in exprs if "$" not in e and not LEFT_OUT.search(e)]
    rng = random.Random(1)
    failed = filled = 0
    with tempfile.TemporaryDirectory() as directory:
        data = simulated(rng, sent_by_an_agent(pathlib.Path(directory)))
        end = differential.BEGIN_MS + differential.SPAN_MS
        queries = []
        for e in exprs:
            at = end - rng.randrange(3_600_000)
            queries.append(("instant", at, at, 0, e))
            queries.append(("range", end - 7_200_000, end + 120_000, 61_000, e))
        ours = differential.ask_ours(sys.argv[1], directory, data, queries)
        prometheus = differential.Prometheus(directory)
        try:
            prometheus.load(data)
            for q, mine in zip(queries, ours):
                theirs = prometheus.ask(q)
                filled += mine.get("status") == "success" and bool(mine["data"]["result"])
                why = differential.difference(mine, theirs, differential.is_ordered(q[4]))
                if why:
                    failed += 1
                    print("# DIFFERENT %s: %s" % ("\t".join(map(str, q)), why))
        finally:
            prometheus.close()
    good = not failed and len(exprs) > 150 and filled > len(queries) // 2
    print("1..1\n%s 1 - %d expressions of rules and dashboards over %d series, %d of %d answers not "
          "empty, %d different" % ("ok" if good else "not ok", len(exprs), len(data), filled,
                                   len(queries), failed))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
