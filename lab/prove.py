#!/usr/bin/env python3
"""Proves the advice on a real kernel: for each scenario of scenarios.py a galen-server, a galen-agent
and a load run in namespaces of their own. The load meets its limit; what does the server advise, how
soon, and what else beside it? Then the remedy is done under the same load; is it seen, and judged
to have helped?

    ./prove.py [--build DIR] [--jobs N] [--out FILE.md] [--json FILE] [NAME...]

Needs root and what lab/run.sh needs. NAME: a scenario, or the beginning of some names. They run beside
one another, but for those of one `lane`, and those that are to be `alone` at the end. What touches
the whole machine is seen by all agents: advice that is right for a scenario that ran at the same time
is not held against the others.
The last line is `N right, N wrong, N not run`; exit 1 when something was wrong.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import scenarios

LAB = pathlib.Path(__file__).resolve().parent
POLL_S = 2
PORT = 5999
ADVICE = ('increase', 'decrease', 'upgrade')
VERDICTS = ('helped', 'no_effect', 'harmed', 'unjudged')
lanes = collections.defaultdict(threading.Lock)  # one scenario of a lane at a time
stopping = threading.Event()  # somebody wants this to end
seen_by_all = []  # scenarios on the whole machine, as soon as they have begun


class NotHere(Exception):
    """This machine cannot run the scenario."""


def sh(command, **more):
    return subprocess.run(['bash', '-c', command], capture_output=True, text=True, **more)


class Namespaces:
    """A process that holds them, and how to enter."""

    def __init__(self, scenario):
        flags = {'net': ['-n'], 'ipc': ['-i'], 'pid': ['-p', '-f', '--mount-proc', '--kill-child'],
                 'host': []}[scenario.where]
        self.enter = []
        if not flags:
            return
        self.holder = subprocess.Popen(['unshare', *flags, 'sleep', 'infinity'])
        time.sleep(0.3)
        pid = self.holder.pid
        if '-f' in flags:
            pid = int(pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()[0])
        kinds = [flag for flag in flags if flag in ('-n', '-i', '-p')]
        if '-p' in kinds:
            kinds.append('-m')
        self.enter = ['nsenter', '-t', str(pid), *kinds]

    def close(self):
        if self.enter:
            self.holder.kill()
            self.holder.wait()


class Trial:
    """One scenario under way."""

    def __init__(self, scenario, build, folder):
        self.scenario, self.build, self.folder = scenario, build, folder
        self.undo, self.processes = [], []
        self.spaces = Namespaces(scenario)
        # A namespace of its own has all ports; the machine's are shared by the scenarios.
        own_net = scenario.where == 'net'
        self.port = PORT if own_net else 20000 + os.getpid() % 1000 + abs(hash(scenario.name)) % 9000
        self.env = dict(os.environ, T=str(folder), LAB=str(folder / 'labload'))

    def close(self):
        (self.folder / 'stop').touch()
        for process in reversed(self.processes):
            end(process)
        for command in reversed(self.undo):
            sh(command)
        self.spaces.close()

    def run(self, command):
        """A shell command inside; NotHere with what it says when it fails."""
        done = subprocess.run([*self.spaces.enter, 'bash', '-c', scenarios.HELPERS + command],
                              capture_output=True, text=True, env=self.env, timeout=120)
        if done.returncode:
            raise NotHere((done.stderr.strip() or f'exit {done.returncode}').splitlines()[-1])
        return done.stdout

    def start(self, command, log):
        with open(self.folder / log, 'ab') as out:
            process = subprocess.Popen([*self.spaces.enter, *map(str, command)], stdout=out,
                                       stderr=out, stdin=subprocess.DEVNULL, env=self.env,
                                       start_new_session=True)
        self.processes.append(process)
        return process

    def ask(self, path):
        file = self.folder / 'data' / 'admin-token'
        if not file.exists():
            return None
        token = file.read_text().strip()
        done = subprocess.run([*self.spaces.enter, 'curl', '-sSf', '-m', '10', '-H',
                               f'Authorization: Bearer {token}',
                               f'http://127.0.0.1:{self.port}{path}'],
                              capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def watch(self):
        """The server and the agent, as an administrator would start them."""
        self.start([self.build / 'galen-server', '--dev', '--data', self.folder / 'data',
                    '--listen', f'127.0.0.1:{self.port}', '--analysis-interval', '5s',
                    *scenarios.SERVER_ARGS], 'server.log')
        for _ in range(100):
            if self.ask('/api/galen/v1/hosts') is not None:
                break
            time.sleep(0.1)
        else:
            raise NotHere('the server did not start: ' + tail(self.folder / 'server.log'))
        self.start([self.build / 'galen-agent', '--server', f'http://127.0.0.1:{self.port}',
                    '--token-file', self.folder / 'data' / 'agent-token', '--interval', '1s',
                    '--state', self.folder / 'agent', '--hostname', self.scenario.name,
                    *scenarios.AGENT_ARGS], 'agent.log')

    def load(self, text):
        (self.folder / 'stop').unlink(missing_ok=True)
        command = f'exec {self.scenario.wrap} "$LAB" -t 7200 -u "$T/stop" {text}'
        return self.start(['bash', '-c', scenarios.HELPERS + command], 'load.log')

    def findings(self):
        hosts = (self.ask('/api/galen/v1/hosts') or {}).get('hosts') or []
        return [f for h in hosts for f in (h.get('advice') or {}).get('findings', [])]

    def changes(self):
        return (self.ask('/api/galen/v1/changes') or {}).get('changes') or []


def end(process):
    if process.poll() is not None:
        return
    for how, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
            return
        except (subprocess.TimeoutExpired, ProcessLookupError):
            pass


def tail(path):
    lines = path.read_text(errors='replace').splitlines()
    return lines[-1] if lines else ''


def spoken(finding):
    """What an administrator would read of it."""
    what = finding.get('parameter') or finding['rule']
    return f"{finding['class']} {what}"


def true_elsewhere(finding):
    """Right for a scenario on the same machine; VERIFY: about what that one changed and put back."""
    return any(s.expects(finding) or s.excuses(finding)
               or (finding['rule'] == 'VERIFY' and finding.get('parameter') == s.parameter)
               for s in seen_by_all)


def before(trial, minutes, out):
    """Under the load: until the right advice stands (or, for traps, until the time is over)."""
    s = trial.scenario
    start = time.monotonic()
    beside = set()
    while time.monotonic() - start < minutes * 60:
        if stopping.wait(POLL_S):
            raise NotHere('stopped')
        findings = trial.findings()
        advice = [f for f in findings if f['class'] in ADVICE]
        beside |= {spoken(f) for f in advice if not s.expects(f) and not s.excuses(f)
                   and not true_elsewhere(f)}
        right = [f for f in findings if s.expects(f)]
        if right and 'seconds' not in out:
            out['seconds'] = round(time.monotonic() - start)
            out['says'] = right[0].get('line') or right[0]['sentence']
            out['rule'] = right[0]['rule']
            own = [f for f in advice if s.expects(f) or not true_elsewhere(f)]
            out['top'] = not own or s.expects(own[0]) or s.excuses(own[0])
        if right and not s.trap and time.monotonic() - start > out['seconds'] + s.linger:
            break
    out['beside'] = sorted(beside)
    return 'seconds' in out or s.silent


def after(trial, minutes, out):
    """The remedy, under the same load."""
    s = trial.scenario
    trial.run(s.remedy)
    if s.remedy_load:
        (trial.folder / 'stop').touch()
        end(trial.processes.pop())
        trial.load(s.remedy_load)
    start = time.monotonic()
    while time.monotonic() - start < minutes * 60:
        if stopping.wait(POLL_S):
            raise NotHere('stopped')
        for change in trial.changes():
            if change.get('parameter') == s.parameter and change.get('verdict') in VERDICTS:
                out['verdict'] = change['verdict']
                out['verdict_seconds'] = round(time.monotonic() - start)
                return change['verdict'] == 'helped'
    out['verdict'] = 'none yet'
    return False


def prove(scenario, build, options):
    out = {'name': scenario.name, 'about': scenario.about, 'expected': scenario.expected_text()}
    folder = pathlib.Path(tempfile.mkdtemp(prefix='lab.'))
    shutil.copy(options.labload, folder / 'labload')
    folder.chmod(0o755)
    with lanes[scenario.lane or scenario.name]:
        if stopping.is_set():
            return dict(out, skipped='stopped')
        trial = None
        try:
            trial = Trial(scenario, build, folder)
            for undo in scenario.undo:
                trial.undo.append(sh(scenarios.HELPERS + undo, env=trial.env).stdout)
            if scenario.where == 'host':
                seen_by_all.append(scenario)
            trial.run(scenario.setup or ':')
            trial.watch()
            if scenario.load:
                trial.load(scenario.load)
            found = before(trial, scenario.minutes, out)
            out['right'] = found and not out['beside'] and out.get('top', True)
            if out['right'] and scenario.remedy and scenario.parameter and options.verify:
                out['right'] = after(trial, options.verify, out)
        except (NotHere, subprocess.TimeoutExpired) as problem:
            out['skipped'] = str(problem)
        finally:
            if trial:
                trial.close()
            if options.keep:
                out['folder'] = str(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    print(line_of(out), file=sys.stderr, flush=True)
    return out


def line_of(r):
    if 'skipped' in r:
        return f"{r['name']}: not run: {r['skipped']}"
    parts = [f"{r['name']}: {'right' if r['right'] else 'WRONG'}", r['expected']]
    if 'seconds' in r:
        parts.append(f"{r['rule']} after {r['seconds']} s: {r['says']}")
    if r.get('verdict'):
        parts.append(f"then {r['verdict']}")
    if r['beside']:
        parts.append('beside it: ' + ', '.join(r['beside']))
    return '; '.join(parts)


def table(results):
    rows = ['| scenario | what happens | right advice | Galen said | after | beside it | verdict |',
            '|---|---|---|---|---|---|---|']
    for r in results:
        if 'skipped' in r:
            rows.append(f"| {r['name']} | {r['about']} | {r['expected']} | not run: {r['skipped']} | | | |")
            continue
        said = f"{r['rule']}: `{r['says']}`" if 'seconds' in r else 'nothing'
        after_s = f"{r['seconds']} s" if 'seconds' in r else ''
        rows.append(f"| {r['name']} | {r['about']} | {r['expected']} | {said} | {after_s} | "
                    f"{', '.join(r['beside']) or '-'} | {'' if r['right'] else '**wrong** '}"
                    f"{r.get('verdict', '')} |")
    return '\n'.join(rows) + '\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', type=pathlib.Path, default=LAB.parent / 'build')
    parser.add_argument('--jobs', type=int, default=24)
    parser.add_argument('--verify', type=float, default=0, metavar='MINUTES',
                        help='do the remedies and wait so long for the verdicts')
    parser.add_argument('--out', type=pathlib.Path)
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--keep', action='store_true', help='keep the folders of the trials')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, lambda *_: stopping.set())
    if os.geteuid() != 0:
        sys.exit('prove.py: needs root')
    chosen = [s for s in scenarios.ALL
              if not options.names or any(s.name.startswith(n) for n in options.names)]
    with tempfile.TemporaryDirectory() as folder:
        options.labload = pathlib.Path(folder) / 'labload'
        subprocess.run(['cc', '-O2', '-o', options.labload, '-D_GNU_SOURCE',
                        *sorted((LAB / 'load').glob('*.c')), '-lpthread', '-lm'], check=True)
        results = []
        for alone, jobs in ((False, options.jobs), (True, 1)):
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                results += pool.map(lambda s: prove(s, options.build.resolve(), options),
                                    [s for s in chosen if s.alone == alone])
            seen_by_all.clear()
    if options.out:
        options.out.write_text(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + '\n')
    right = sum(r.get('right', False) for r in results)
    skipped = sum('skipped' in r for r in results)
    wrong = len(results) - right - skipped
    print(f'{right} right, {wrong} wrong, {skipped} not run')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
