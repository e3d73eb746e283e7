#!/usr/bin/env python3
"""Compares the query engine with a real Prometheus 2: the same samples to both (remote write
there, a file here), then thousands of generated queries, instant and over ranges.

    differential.py PROMQLEVAL [--queries N] [--seed N] [--show N]

Exit 77 (skipped) when there is no prometheus. Results must agree to 1e-12. Left out, because
Prometheus changed it after version 2 and we follow the newer one:
  - sums of values that cancel out (2 sums plainly, 3 with compensation), so what is summed here
    is exact in binary;
  - parameters of topk and quantile that change from step to step (2 takes the first);
  - the name of the metric behind atan2, which 2 forgets to take away;
  - timestamp() of a selector with both @ and offset: Prometheus forgets the offset;
  - predict_linear() of a range pinned with @, over steps: 2 loses samples after the first;
  - several partners of which a comparison drops all but one: an error since 3;
  - label_replace() that makes series equal (2 refuses, 3 merges what does not overlap).
"""
import argparse
import http.client
import json
import math
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

SKIPPED = 77
TOLERANCE = 1e-12
STALE = struct.pack("<Q", 0x7FF0000000000002)
BEGIN_MS = 1_700_000_000_000
SPAN_MS = 110 * 60_000
SLICE_MS = 10 * 60_000


# ---- data ----

class Series:
    def __init__(self, name, **labels):
        self.labels = dict(labels, __name__=name)
        self.samples = []  # (ms, float or None for stale)

    def text(self):
        rest = ",".join('%s="%s"' % kv for kv in sorted(self.labels.items()) if kv[0] != "__name__")
        return "%s{%s}" % (self.labels["__name__"], rest)


def times(rng, every_ms, gaps):
    t = BEGIN_MS + rng.randrange(every_ms)
    while t < BEGIN_MS + SPAN_MS:
        yield t
        t += every_ms + (rng.randrange(-40, 41) if rng.random() < 0.2 else 0)
        if rng.random() < gaps:
            t += rng.randrange(1, 40) * every_ms


def with_stale(rng, series, chance):
    out = []
    for i, (t, v) in enumerate(series.samples):
        out.append((t, v))
        following = series.samples[i + 1][0] if i + 1 < len(series.samples) else None
        if following and following - t > 60_000 and rng.random() < 0.5:
            out.append((t + 15_000, None))
        elif rng.random() < chance and following and following - t > 2:
            out.append((t + 1, None))
    series.samples = out


def counter(rng, series, every_ms, resets, scale):
    v = float(rng.randrange(1000)) * scale
    for t in times(rng, every_ms, 0.004):
        v = float(rng.randrange(5)) * scale if rng.random() < resets else v + rng.randrange(30) * scale
        series.samples.append((t, v))


def gauge(rng, series, every_ms, scale):
    v = float(rng.randrange(4000))
    for t in times(rng, every_ms, 0.006):
        if rng.random() < 0.6:
            v += rng.randrange(-50, 51)
        series.samples.append((t, v * scale))


# No denormal numbers: Go's logarithm of them is wrong.
ADVERSE = [0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 2.2250738585072014e-308,
           1.7976931348623157e308, -1.7976931348623157e308, 0.1, 1 / 3, 1e16, 1e-16, 9007199254740993.0]


def make_data(rng):
    data = []
    for host in "abc":
        for cpu in "01":
            for mode in ("user", "system", "idle"):
                s = Series("cpu_seconds_total", instance=host, cpu=cpu, mode=mode)
                counter(rng, s, 15_000, 0.004, 0.25)
                data.append(s)
        for job in ("node", "db"):
            s = Series("requests_total", instance=host, job=job, code="200" if job == "node" else "500")
            counter(rng, s, 15_000, 0.02, 1)
            data.append(s)
        for name, scale in (("memory_bytes", 4096), ("load", 1 / 128), ("temperature", 0.5)):
            s = Series(name, instance=host)
            gauge(rng, s, 15_000, scale)
            data.append(s)
        s = Series("info", instance=host, version="1.%d" % (ord(host) % 2), zone="z" + host)
        s.samples = [(t, 1.0) for t in times(rng, 60_000, 0.02)]
        data.append(s)
        total = [0] * 5
        buckets = [Series("latency_seconds_bucket", instance=host, le=le) for le in ("0.1", "0.5", "1", "2.5", "+Inf")]
        for t in times(rng, 15_000, 0.002):
            for k in range(5):
                if rng.random() < 0.7:
                    for up in range(k, 5):
                        total[up] += 1
            for k in range(5):
                buckets[k].samples.append((t, float(total[k])))
        data += buckets
        s = Series("adverse", instance=host)
        s.samples = [(t, rng.choice(ADVERSE)) for t in times(rng, 20_000, 0.01)]
        data.append(s)
    for i, s in enumerate(data):
        # No two series are ever equal: which of them topk() takes would be a matter of taste.
        if s.labels["__name__"] in ("cpu_seconds_total", "memory_bytes", "load", "temperature"):
            s.samples = [(t, v + i / 4096) for t, v in s.samples]
        with_stale(rng, s, 0.002)
    s = Series("seldom", instance="a")
    s.samples = [(t, float(i)) for i, t in enumerate(range(BEGIN_MS, BEGIN_MS + SPAN_MS, 300_000))]
    data.append(s)
    return data


# ---- remote write, by hand: protobuf and snappy ----

def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def snappy(data):
    """Valid snappy of literals alone."""
    out = bytearray(varint(len(data)))
    for i in range(0, len(data), 65536):
        part = data[i:i + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


def write_request(data, begin, end):
    out = bytearray()
    for s in data:
        part = [(t, v) for t, v in s.samples if begin <= t < end]
        if not part:
            continue
        body = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(s.labels.items()))
        for t, v in part:
            value = STALE if v is None else struct.pack("<d", v)
            body += field(2, b"\x09" + value + b"\x10" + varint(t))
        out += field(1, body)
    return bytes(out)


# ---- the two engines ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus:
    def __init__(self, directory):
        self.port = free_port()
        config = os.path.join(directory, "prometheus.yml")
        with open(config, "w") as f:
            f.write("global: {evaluation_interval: 1m}\n")
        self.process = subprocess.Popen(
            ["prometheus", "--config.file", config, "--web.enable-remote-write-receiver",
             "--storage.tsdb.path", os.path.join(directory, "data"), "--log.level=error",
             "--web.listen-address", "127.0.0.1:%d" % self.port],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(300):
            try:
                if self.call("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                self.connection.close()
            time.sleep(0.1)
        raise RuntimeError("prometheus does not get ready")

    def call(self, method, path, body=None, headers={}):
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def load(self, data):
        for begin in range(BEGIN_MS, BEGIN_MS + SPAN_MS + SLICE_MS, SLICE_MS):
            body = write_request(data, begin, begin + SLICE_MS)
            if not body:
                continue
            status, text = self.call("POST", "/api/v1/write", snappy(body),
                                     {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0",
                                      "Content-Type": "application/x-protobuf"})
            if status // 100 != 2:
                raise RuntimeError("remote write: %d %s" % (status, text.decode()))

    def ask(self, q):
        kind, start, end, step, expr = q
        form = {"query": expr}
        if kind == "instant":
            form["time"] = "%.3f" % (start / 1000)
        else:
            form.update(start="%.3f" % (start / 1000), end="%.3f" % (end / 1000), step="%.3f" % (step / 1000))
        path = "/api/v1/query" if kind == "instant" else "/api/v1/query_range"
        _, text = self.call("POST", path, urllib.parse.urlencode(form),
                            {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(text)

    def close(self):
        self.process.kill()
        self.process.wait()


def ask_ours(program, directory, data, queries):
    path = os.path.join(directory, "data.txt")
    with open(path, "w") as f:
        for s in data:
            f.write(s.text() + "\t" + " ".join(
                "%d %s" % (t, "stale" if v is None else repr(v)) for t, v in s.samples) + "\n")
    lines = "".join("%s\t%d\t%d\t%d\t%s\n" % q for q in queries)
    done = subprocess.run([program, path, "--rules-of-2"], input=lines.encode(), capture_output=True)
    if done.returncode != 0:
        raise RuntimeError("promqleval: %d %s" % (done.returncode, done.stderr.decode()))
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if len(answers) != len(queries):
        raise RuntimeError("promqleval answered %d of %d" % (len(answers), len(queries)))
    return answers


# ---- queries ----

COUNTERS = ["cpu_seconds_total", "requests_total", "latency_seconds_bucket"]
GAUGES = ["memory_bytes", "load", "temperature", "seldom"]
RANGES = ["30s", "1m", "2m", "5m", "7m13s", "20m", "1h", "15s", "16s"]
LABELS = {"cpu_seconds_total": ["instance", "cpu", "mode"], "requests_total": ["instance", "job", "code"],
          "latency_seconds_bucket": ["instance", "le"], "info": ["instance", "version", "zone"]}


class Generator:
    """Makes expressions. An exact one has the same bits in any engine that adds up in any order;
    only exact ones are compared, subtracted, rounded or ranked."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def matchers(self, name):
        rng, out = self.rng, []
        for label in LABELS.get(name, ["instance"]):
            if rng.random() < 0.25:
                out.append(label + self.pick('=~".+"', '!="b"', '=~"a|b"', '!~"c"', '=~"[ab0u].*"', '="a"', '!=""'))
        return "{%s}" % ",".join(out) if out else ""

    def modifiers(self):
        roll = self.rng.random()
        if roll < 0.75:
            return ""
        offset = " offset " + self.pick("1m", "5m", "-2m", "33s", "10m")
        at = " @ " + self.pick("%.3f" % ((BEGIN_MS + self.rng.randrange(SPAN_MS)) / 1000), "start()", "end()")
        return offset if roll < 0.87 else at if roll < 0.95 else at + offset if roll < 0.98 else offset + at

    def name(self):
        return self.rng.choice(COUNTERS + GAUGES + ["info", "adverse"])

    def selector(self, name=None):
        name = name or self.name()
        return name + self.matchers(name) + self.modifiers()

    def range(self, name=None, depth=1):
        name = name or self.name()
        if depth > 0 and self.rng.random() < 0.2:
            inner = self.vector(depth - 1)
            return "(%s)[%s:%s]%s" % (inner, self.rng.choice(RANGES), self.pick("", "15s", "1m", "37s"), self.modifiers())
        return "%s%s[%s]%s" % (name, self.matchers(name), self.rng.choice(RANGES), self.modifiers())

    def number(self):
        return self.pick("0", "1", "2", "0.5", "-1", "4096", "1e3", "Inf", "-Inf", "NaN", "0x10", "3")

    def scalar(self, depth):
        roll = self.rng.random()
        if depth <= 0 or roll < 0.6:
            return self.number()
        if roll < 0.75:
            return "scalar(%s)" % self.selector(self.rng.choice(GAUGES + ["seldom"]))
        if roll < 0.85:
            return self.pick("time()", "pi()")
        return "(%s %s %s)" % (self.scalar(depth - 1), self.pick("+", "-", "*", "/", "%"), self.scalar(depth - 1))

    def range_function(self, depth):
        exact = ["rate", "increase", "delta", "irate", "idelta", "changes", "resets", "count_over_time",
                 "min_over_time", "max_over_time", "last_over_time", "present_over_time"]
        return "%s(%s)" % (self.rng.choice(exact), self.range(depth=depth))

    def vector(self, depth):
        """An exact instant vector."""
        roll = self.rng.random()
        if depth <= 0 or roll < 0.2:
            return self.selector()
        if roll < 0.4:
            return self.range_function(depth)
        if roll < 0.5:
            f = self.pick("abs", "ceil", "floor", "round", "sgn", "sort", "sort_desc", "timestamp", "day_of_week",
                          "hour", "minute", "month", "year", "day_of_month", "day_of_year", "days_in_month", "-", "+")
            inner = self.vector(depth - 1)
            return "%s(%s)" % (f if f != "timestamp" or "@" not in inner else "abs", inner)
        if roll < 0.55:
            f = self.pick("clamp_min(%s, %s)", "clamp_max(%s, %s)", "round(%s, %s)")
            return f % (self.vector(depth - 1), self.number())
        if roll < 0.6:
            return self.pick("absent(%s)", "vector(scalar(%s))") % self.selector()
        if roll < 0.75:
            return self.aggregate(depth)
        if roll < 0.88:
            op = self.pick("+", "-", "*", "/", ">", "<", ">=", "<=", "==", "!=", "> bool", "== bool", "%")
            pair = [self.vector(depth - 1), self.scalar(depth - 1)]
            self.rng.shuffle(pair)
            return "(%s) %s (%s)" % (pair[0], op, pair[1])
        return self.match(depth)

    def grouping(self):
        if self.rng.random() < 0.2:
            return ""
        labels = self.rng.sample(["instance", "mode", "cpu", "job", "le", "none"], self.rng.randrange(0, 3))
        return " %s (%s) " % (self.pick("by", "without"), ",".join(labels))

    def aggregate(self, depth):
        roll = self.rng.random()
        if roll < 0.7:
            f = self.pick("count", "min", "max", "group")
            return "%s%s(%s)" % (f, self.grouping(), self.vector(depth - 1))
        if roll < 0.8:  # of halves and quarters, so that any order of adding gives the same
            return "sum%s(%s)" % (self.grouping(), self.selector(self.rng.choice(COUNTERS + GAUGES)))
        if roll < 0.9:
            return "%s%s(%d, %s)" % (self.pick("topk", "bottomk"), self.grouping(), self.rng.randrange(0, 6),
                                     self.selector(self.rng.choice(GAUGES + ["cpu_seconds_total"])))
        return "count_values%s(\"value\", %s)" % (self.grouping(), self.selector(self.pick("info", "load", "adverse")))

    def match(self, depth):
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        if self.rng.random() < 0.5:
            name = self.rng.choice(GAUGES)
            a, b = self.selector(self.pick("cpu_seconds_total", "requests_total")), self.selector(name)
        op = self.pick("and", "or", "unless", "+", "-", "*", "/", ">", "<=", "== bool", "and", "or", "unless")
        on = self.pick("", "", " on(instance) ", " ignoring(cpu,mode,job,code,le) ", " on() ")
        group = ""
        if on and op not in ("and", "or", "unless"):
            group = self.pick("", " group_left ", " group_right ", " group_left(zone) ")
        return "(%s) %s%s%s (%s)" % (a, op, on, group, b)

    def inexact(self):
        """What rounds: only as the outermost operation, over what is harmless to it."""
        rng = self.rng
        over = rng.choice(COUNTERS + GAUGES)
        return self.pick(
            lambda: "%s(%s)" % (self.pick("avg_over_time", "sum_over_time", "stddev_over_time", "stdvar_over_time"),
                                self.range(over, 0)),
            lambda: "quantile_over_time(%s, %s)" % (self.pick("0.5", "0.9", "0", "1", "-1", "2", "0.33"), self.range(depth=0)),
            lambda: "%s%s(%s)" % (self.pick("avg", "sum", "stddev", "stdvar"), self.grouping(), self.selector(over)),
            lambda: "%s%s(rate(%s))" % (self.pick("avg", "sum"), self.grouping(), self.range(rng.choice(COUNTERS), 0)),
            lambda: "quantile%s(%s, %s)" % (self.grouping(), self.pick("0.5", "0.9", "0", "1", "-1", "2"), self.selector()),
            lambda: "histogram_quantile(%s, %s(%s))" % (self.pick("0.5", "0.9", "0.99", "0", "1", "1.5"),
                                                        self.pick("rate", "increase"), self.range("latency_seconds_bucket", 0)),
            lambda: "histogram_quantile(%s, sum by (le) (%s))" % (self.pick("0.5", "0.95"), self.selector("latency_seconds_bucket")),
            lambda: "%s(%s)" % (self.pick("exp", "ln", "log2", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
                                          "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad"), self.vector(1)),
            lambda: "(%s) ^ %s" % (self.selector(), self.pick("2", "0.5", "-1", "0", "3")),
            lambda: "-((%s) atan2 (%s))" % (self.selector(over), self.selector(over)),
            lambda: "deriv(%s)" % self.range("memory_bytes", 0),
            lambda: "predict_linear(%s[%s], %s)" % (self.pick("memory_bytes", "load"), self.pick(*RANGES),
                                                   self.pick("600", "3600", "-60")),
            lambda: "holt_winters(%s, 0.5, 0.25)" % self.range(rng.choice(GAUGES), 0),
            lambda: "absent_over_time(%s)" % self.range(depth=0),
            lambda: 'label_replace(%s, "to", "$1-x", "instance", "(a|b)")' % self.selector(),
            lambda: 'label_join(%s, "to", "/", "instance", "cpu")' % self.selector(),
        )()

    def query(self):
        rng = self.rng
        expr = self.inexact() if rng.random() < 0.35 else self.vector(rng.randrange(1, 4))
        at = BEGIN_MS + rng.randrange(-60_000, SPAN_MS + 400_000)
        if rng.random() < 0.3:  # on the samples' own times, where a range's ends matter
            at = at // 15_000 * 15_000
        if rng.random() < 0.5:
            return ("instant", at, at, 0, expr)
        step = rng.choice([1000, 5000, 15_000, 60_000, 61_234, 300_000])
        return ("range", at, at + step * rng.randrange(0, 40) + rng.randrange(0, 999), step, expr)


# Every example of the language that a generator does not come by.
FIXED = [
    "1", "-1 ^ 2", "2 ^ 3 ^ 2", "-2^---1*3", "1 == bool 1", "0x1F", "1e3", ".5", "Inf", "NaN", '"text"', "'a\\nb'",
    "time() - 60", "vector(1)", "vector(time())", "scalar(vector(3))", "pi()", "minute()", "hour(vector(0))",
    "day_of_year(vector(86400 * 59))", "days_in_month(vector(1582934400))", "up", "{__name__=~\"load|temp.*\"}",
    '{instance="a",__name__!~"cpu.*"}', "cpu_seconds_total[5m]", "load[10m:1m]", "load[10m] offset 1m",
    "sum(cpu_seconds_total) by (mode) / ignoring(mode) group_left sum(cpu_seconds_total)",
    "cpu_seconds_total * on(instance) group_left(version) info", "load + on() temperature", "load == load",
    "load and on(instance) info", "requests_total unless load", "absent(nothing{a=\"b\",c=~\"d\"})", "-load",
    "sum without () (load)", "count_values by (instance) (\"instance\", info)", "topk(0, load)", "topk(-1, load)",
    "max_over_time(rate(cpu_seconds_total[1m])[20m:30s])", "load offset -5m", "load @ end() - load @ start()",
    "rate(load)", "sum(", "load[5m", "foo{a=}", "1 + ", "sum by (x", "load offset", "count(load) by", "abs(load, 1)",
    "load == bool", "\"a\" + 1", "load and 1", "1 == 1", "{}", "{a=\"\"}", "load{__name__=\"x\"}", "time(1)", "nope(load)",
    "holt_winters(load[10m], 0.5, 0.3)", "holt_winters(load[10m], 2, 0.5)", "holt_winters(load[10m], 0.5, 0)",
    "quantile_over_time(2, load[10m])", "quantile_over_time(-1, load[10m])", "quantile(NaN, load)", "topk(1e30, load)",
    "bottomk(-1, load)", "clamp(load, 2, 1)", "predict_linear(load[10m], 3600)", "sum_over_time(load[5m] @ start())",
    "load @ end() offset -1m", "label_replace(load, \"a\", \"$1\", \"instance\", \"(\")",
    "label_join(load, \"a\", \"-\", \"instance\", \"job\")", "load{instance=~\"((a+)+)+$\"}", "load or on(instance) info",
    "cpu_seconds_total / cpu_seconds_total{mode=\"user\"}", "load / on(nothing) temperature", "ceil({__name__=~\"load|temperature\"})",
]


# ---- comparison ----

def same_value(a, b):
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or abs(x - y) <= TOLERANCE * max(abs(x), abs(y))


def same_points(a, b):
    return len(a) == len(b) and all(abs(x[0] - y[0]) < 1e-4 and same_value(x[1], y[1]) for x, y in zip(a, b))


def key(series):
    return tuple(sorted(series["metric"].items()))


def difference(ours, theirs, ordered):
    if theirs["status"] == "success" and "many-to-one matching must be explicit" in ours.get("error", ""):
        return None  # see the top
    if ours.get("status") != theirs["status"]:
        return "status %s, there %s" % (ours.get("error", "fine"), theirs.get("error", "fine"))
    if theirs["status"] == "error":
        return None
    a, b = ours["data"], theirs["data"]
    if a["resultType"] != b["resultType"]:
        return "a %s, there a %s" % (a["resultType"], b["resultType"])
    if a["resultType"] == "string":
        return None if a["result"][-1] == b["result"][-1] else "another string"
    if a["resultType"] == "scalar":
        return None if same_value(a["result"][1], b["result"][1]) else "%s, there %s" % (a["result"], b["result"])
    field = "value" if a["resultType"] == "vector" else "values"
    if a["resultType"] == "vector" and ordered:
        if not all(same_value(x["value"][1], y["value"][1]) for x, y in zip(a["result"], b["result"])):
            return "another order"
    mine, other = {key(s): s[field] for s in a["result"]}, {key(s): s[field] for s in b["result"]}
    if set(mine) != set(other):
        return "series %s, there %s" % (sorted(set(mine) - set(other))[:3], sorted(set(other) - set(mine))[:3])
    for k in mine:
        x, y = ([mine[k]], [other[k]]) if field == "value" else (mine[k], other[k])
        if not same_points(x, y):
            wrong = [(p, q) for p, q in zip(x, y) if not same_points([p], [q])][:2]
            return "%s: %d and %d points, %s" % (dict(k), len(x), len(y), wrong)
    return None


def is_ordered(expr):
    return expr.startswith(("sort(", "sort_desc(", "topk(", "bottomk("))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--queries", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    args = parser.parse_args()
    if not shutil.which("prometheus"):
        print("ok 1 - the same queries to Prometheus # SKIP no prometheus is installed")
        return SKIPPED
    rng = random.Random(args.seed)
    data = make_data(rng)
    generator = Generator(rng)
    middle = BEGIN_MS + SPAN_MS // 2
    queries = [("instant", middle, middle, 0, e) for e in FIXED]
    queries += [("range", middle, middle + 600_000, 60_000, e) for e in FIXED]
    queries += [generator.query() for _ in range(args.queries)]
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        ours = ask_ours(args.program, directory, data, queries)
        prometheus = Prometheus(directory)
        try:
            prometheus.load(data)
            for q, mine in zip(queries, ours):
                theirs = prometheus.ask(q)
                why = difference(mine, theirs, is_ordered(q[4]))
                if why:
                    failed += 1
                    if failed <= args.show:
                        print("DIFFERENT %s: %s" % ("\t".join(map(str, q)), why))
        finally:
            prometheus.close()
    errors = sum(1 for a in ours if a.get("status") == "error")
    empty = sum(1 for a in ours if a.get("status") == "success" and not a["data"]["result"])
    print("1..1\n%s 1 - %d queries (%d refused by both, %d empty), %d different"
          % ("not ok" if failed else "ok", len(queries), errors, empty, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
