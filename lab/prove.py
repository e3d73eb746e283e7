#!/usr/bin/env python3
"""Proves the advice on a real kernel: for each scenario of scenarios.py a galen-server, a galen-agent
and a load run in namespaces of their own. The load meets its limit; what does the server advise, how
soon, and what else beside it? Then the remedy is done under the same load; is it seen, and judged
to have helped?

    ./prove.py [--build DIR] [--jobs N] [--markdown FILE.md] [--json FILE] [--no-verify] [NAME...]

Needs root and what lab/run.sh needs. NAME: a scenario, or the beginning of some names. They run beside
one another, the longest first, but for those of one `lane`, and those that are to be `alone`, which come
at the end. What touches the whole machine is seen by all agents: advice that is right for a scenario
that ran at the same time is not held against the others.

Did the load meet its limit? It counts its own failures; of a load that shows none (a level near its limit,
a reserve) that column says so. Whatever the whole machine is changed in is put back at the end, when this
is stopped, and when it is killed (a process of its own waits for that), and looked at once more.

The last line is `N right, N wrong, N not run`. Exit 1: less than 95 % of those that met their limit were
right, something wrong was said of a load that is well, or a parameter was not put back.
"""
import argparse
import collections
import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import scenarios

LAB = pathlib.Path(__file__).resolve().parent
POLL_S = 2
PORT = 5999
API = '/api/galen/v1'
RIGHT_LEAST = 0.95  # of the trials that met their limit
EARLY_S = 3  # a load has what it holds
LOAD_END_S = 20  # a load lets go and says how it went
CLONE_NEWNET = 0x40000000
ADVICE = ('increase', 'decrease', 'upgrade')
CLASSES = ('none', *ADVICE)
STATES = ('helped', 'no_effect', 'harmed', 'ended', 'dismissed')
lanes = collections.defaultdict(threading.Lock)  # one scenario of a lane at a time
stopping = threading.Event()  # somebody wants this to end
seen_by_all = []  # scenarios on the whole machine, as soon as they have begun


class NotHere(Exception):
    """This machine cannot run the scenario."""


def sh(command, **more):
    return subprocess.run(['bash', '-c', command], capture_output=True, text=True, **more)


def setns(path):
    """This thread enters the network namespace."""
    fd = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f'setns {path}')
    finally:
        os.close(fd)


class Connection(http.client.HTTPConnection):
    """To a server in another network namespace; a socket stays where it was made."""

    def __init__(self, namespace, port):
        super().__init__('127.0.0.1', port, timeout=10)
        self.namespace = namespace

    def connect(self):
        if not self.namespace:
            return super().connect()
        setns(self.namespace)
        try:
            self.sock = socket.create_connection((self.host, self.port), self.timeout)
        finally:
            setns('/proc/self/ns/net')
        return None


class Machine:
    """What the scenarios change of the whole machine, and a process that puts it back if we cannot."""

    def __init__(self, chosen):
        self.before = {}
        for scenario in chosen:
            for parameter in scenario.touches:
                path = pathlib.Path('/proc/sys', parameter.replace('.', '/'))
                if path.exists():
                    self.before[path] = path.read_text()
        handle, name = tempfile.mkstemp(prefix='lab.undo.')
        os.close(handle)
        self.journal = pathlib.Path(name)
        self.lock = threading.Lock()
        # "done" on its standard input: all is well. Its end: we were killed.
        script = f'trap "" INT TERM HUP; read -r word; [ "$word" = done ] || tac {name} | bash; rm -f {name}'
        self.guard = subprocess.Popen(['bash', '-c', script], stdin=subprocess.PIPE, text=True,
                                      start_new_session=True, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        for path, value in self.before.items():
            self.note(f"echo '{value.strip()}' > {path}")

    def note(self, command):
        with self.lock, self.journal.open('a') as out:
            out.write(command.strip().replace('\n', '; ') + '\n')

    def put_back(self):
        """What is not as it was, after it has been put back."""
        left = [path for path, value in self.before.items() if path.read_text() != value]
        for path in left:
            path.write_text(self.before[path])
        self.guard.communicate('done\n', timeout=30)
        return left


class Namespaces:
    """A process that holds them, and how to enter."""

    def __init__(self, scenario):
        flags = {'net': ['-n'], 'ipc': ['-i'], 'pid': ['-p', '-f', '--mount-proc', '--kill-child'],
                 'host': []}[scenario.where]
        self.enter, self.network = [], None
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
        self.network = f'/proc/{pid}/ns/net' if '-n' in flags else None

    def close(self):
        if self.enter:
            self.holder.kill()
            self.holder.wait()


class Trial:
    """One scenario under way."""

    def __init__(self, scenario, options, folder):
        self.scenario, self.build, self.folder = scenario, options.build, folder
        self.machine = options.machine
        self.undo, self.processes, self.loads, self.connection = [], [], [], None
        self.spaces = Namespaces(scenario)
        if self.spaces.enter:
            self.machine.note(f"kill {self.spaces.holder.pid}")
        # A namespace of its own has all ports; the machine's are shared by the scenarios.
        own_net = scenario.where == 'net'
        self.port = PORT if own_net else 20000 + os.getpid() % 100 * 100 + scenarios.ALL.index(scenario)
        self.env = dict(os.environ, T=str(folder), LAB=str(folder / 'labload'),
                        HOME_NET=f'/proc/{os.getpid()}/ns/net')

    def close(self):
        self.stop_load()
        for process in reversed(self.processes):
            end(process)
        for command in reversed(self.undo):
            sh(command)
        self.spaces.close()

    def stop_load(self):
        (self.folder / 'stop').touch()
        for load in self.loads:
            try:
                load.wait(LOAD_END_S)
            except subprocess.TimeoutExpired:
                end(load)
        self.loads = []

    def failures(self):
        """(attempts, failures) that the load has counted; None when it counts none."""
        log, total = self.folder / 'load.log', None
        for line in log.read_text(errors='replace').splitlines() if log.exists() else []:
            try:
                result = json.loads(line)['workload_result']
            except (ValueError, KeyError):
                continue
            tried = result.get('attempts', result.get('sent'))
            if tried is not None:
                tries, failed = total or (0, 0)
                total = (tries + tried, failed + tried - result.get('ok', result.get('received')))
        return total

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
        # Should we be killed: it is ended if it is still the one that was started here.
        self.machine.note(f"grep -qzx 'T={self.folder}' /proc/{process.pid}/environ && kill -- -{process.pid}")
        return process

    def ask(self, path, method='GET'):
        """The answer as JSON, True when it has no body, or None."""
        file = self.folder / 'data' / 'admin-token'
        if not file.exists():
            return None
        self.connection = self.connection or Connection(self.spaces.network, self.port)
        try:
            self.connection.request(method, API + path, headers={
                'Authorization': 'Bearer ' + file.read_text().strip()})
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return None
        return None if answer.status >= 300 else json.loads(body) if body else True

    def watch(self):
        """The server and the agent, as an administrator would start them."""
        self.start([self.build / 'galen-server', '--dev', '--data', self.folder / 'data',
                    '--listen', f'127.0.0.1:{self.port}', '--analysis-interval', '5s',
                    *scenarios.SERVER_ARGS], 'server.log')
        for _ in range(100):
            if self.ask('/hosts') is not None:
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
        self.loads.append(self.start(['bash', '-c', scenarios.HELPERS + command], 'load.log'))

    def findings(self):
        """Those in force; the classifier's own word, where no rule speaks, as one of them."""
        hosts = (self.ask('/hosts') or {}).get('hosts') or []
        advice = [h.get('advice') or {} for h in hosts]
        return [f for a in advice for f in a.get('findings', [])] + [
            {'rule': 'classifier', 'class': CLASSES[a['predicted_class']], 'sentence': a['summary']}
            for a in advice if a.get('predicted_class') and not any(
                f['class'] in ADVICE for f in a.get('findings', []))]

    def kept(self):
        """The finding that is right, as the server keeps it."""
        rows = (self.ask('/findings?limit=200') or {}).get('findings') or []
        return next((r for r in rows if self.scenario.expects(r['finding'])), None)


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
               or (finding['rule'] == 'VERIFY' and finding.get('parameter') in (s.parameter, *s.touches))
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


def after(trial, out):
    """The remedy, under the same load."""
    s = trial.scenario
    kept = trial.kept()
    if not kept:
        out['verdict'] = 'not kept'
        return False
    if s.remedy_load:
        trial.stop_load()
    trial.run(s.remedy)
    if s.remedy_load:
        trial.load(s.remedy_load)
    if not s.noticed and not trial.ask(f"/findings/{kept['id']}/applied", 'POST'):
        raise NotHere('the finding was not to be applied')
    start, state = time.monotonic(), 'no answer'
    while time.monotonic() - start < s.verify * 60:
        if stopping.wait(POLL_S):
            raise NotHere('stopped')
        row = trial.ask(f"/findings/{kept['id']}")
        state = row['state'] if row else state
        if row and row['state'] in STATES:
            out['verdict'], out['why'] = row['state'], row.get('outcome')
            out['verdict_seconds'] = round(time.monotonic() - start)
            return row['state'] == 'helped'
    out['verdict'] = f'none yet ({state})'
    return False


def whole_machine(scenario):
    """Do agents beside it see what it does?"""
    return scenario.where == 'host' or bool(scenario.touches)


def try_it(scenario, options, folder, out):
    trial = Trial(scenario, options, folder)
    try:
        for undo in scenario.undo:
            command = sh(scenarios.HELPERS + undo, env=trial.env).stdout
            trial.undo.append(command)
            options.machine.note(command)
        if whole_machine(scenario):
            seen_by_all.append(scenario)
        trial.run(scenario.setup or ':')
        if not scenario.early:
            trial.watch()
        if scenario.load:
            trial.load(scenario.load)
        if scenario.early:
            time.sleep(EARLY_S)
            trial.watch()
        found = before(trial, scenario.minutes, out)
        out['right'] = found and not out['beside'] and out.get('top', True)
        if found and scenario.remedy and options.verify:
            out['right'] = after(trial, out) and out['right']
    finally:
        trial.close()
        out['failures'] = trial.failures()


def prove(scenario, options):
    out = {'name': scenario.name, 'about': scenario.about, 'expected': scenario.expected_text(),
           'well': scenario.silent, 'shows': scenario.shows, 'beside': []}
    folder = pathlib.Path(tempfile.mkdtemp(prefix='lab.'))
    shutil.copy(options.labload, folder / 'labload')
    folder.chmod(0o755)
    with lanes[scenario.lane or scenario.name]:
        try:
            if stopping.is_set():
                raise NotHere('stopped')
            try_it(scenario, options, folder, out)
        except (NotHere, subprocess.TimeoutExpired, OSError) as problem:
            out['skipped'] = str(problem)
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    if options.keep:
        out['folder'] = str(folder)
    if 'skipped' not in out and not out['well'] and scenario.shows and not (out['failures'] or (0, 0))[1]:
        out['skipped'] = 'the load did not meet its limit'
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


def limit_text(r):
    if r['well']:
        return 'no' if not (r['failures'] or (0, 0))[1] else 'not this one'
    if not r['shows']:
        return 'no failure shows it'
    return 'yes: {1:,} of {0:,} failed'.format(*r['failures'])


def table(results):
    rows = ['| scenario | what happens | limit met? | right advice | Galen said | after | wrong beside it | '
            'after the remedy |', '|---|---|---|---|---|---|---|---|']
    for r in results:
        if 'skipped' in r:
            rows.append(f"| {r['name']} | {r['about']} | | {r['expected']} | not run: {r['skipped']} | | | |")
            continue
        said = f"{r['rule']}: `{r['says']}`" if 'seconds' in r else 'nothing'
        after_s = f"{r['seconds']} s" if 'seconds' in r else ''
        verdict = f"{r['verdict']} in {r['verdict_seconds']} s" if 'verdict_seconds' in r else r.get('verdict', '')
        rows.append(f"| {r['name']} | {r['about']} | {limit_text(r)} | {r['expected']} | {said} | {after_s} | "
                    f"{', '.join(r['beside']) or '-'} | {'' if r['right'] else '**wrong** '}{verdict} |")
    return '\n'.join(rows) + '\n'


class Score:
    def __init__(self, results):
        run = [r for r in results if 'skipped' not in r]
        self.met = [r for r in run if not r['well']]
        self.well = [r for r in run if r['well']]
        self.right = sum(r['right'] for r in run)
        self.right_met = sum(r['right'] for r in self.met)
        self.wrong_well = sum(not r['right'] for r in self.well)
        self.wrong, self.skipped = len(run) - self.right, len(results) - len(run)

    def passes(self):
        return self.right_met >= RIGHT_LEAST * len(self.met) and not self.wrong_well

    def text(self):
        share = f'{100 * self.right_met / len(self.met):.0f} %' if self.met else '-'
        return (f'{self.right_met} of {len(self.met)} trials at their limit were right ({share}; wanted '
                f'{RIGHT_LEAST:.0%}), wrong advice in {self.wrong_well} of {len(self.well)} that were well.')


def document(results, options, seconds):
    with open('/proc/meminfo') as file:
        gib = int(file.readline().split()[1]) / (1 << 20)
    return f"""# The lab's last run

Made by `{options.command}` on {time.strftime('%d %B %Y')}: Linux {platform.release()}, {os.cpu_count()} processors,
{gib:.0f} GB, {seconds / 60:.0f} minutes. [lab/README.md](../lab/README.md) says how it is done.

{Score(results).text()} {sum('skipped' in r for r in results)} not run.

"Right": the parameter and direction on top, nothing wrong beside it, and after the remedy, under the same load,
`helped`. Where the last column is empty nothing is verified: what is well, and what the lab cannot give (processors) or
not in its time (a kill is forgotten after half an hour). The time after is from the start of the load.

{table(results)}"""


REMARKS = '\n## Remarks\n'


def remarks(file):
    """What somebody has written at the end of the last document."""
    before, mark, after = (file.read_text() if file.exists() else '').partition(REMARKS)
    return mark + after


def minutes_of(scenario):
    return scenario.minutes + (scenario.verify if scenario.remedy else 0)


def run_all(chosen, options):
    results = []
    for alone in (False, True):
        these = sorted((s for s in chosen if s.alone == alone), key=minutes_of, reverse=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results += pool.map(lambda s: prove(s, options), these)
        seen_by_all.clear()
    order = [s.name for s in chosen]
    return sorted(results, key=lambda r: order.index(r['name']))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', type=pathlib.Path, default=LAB.parent / 'build')
    parser.add_argument('--jobs', type=int, default=64)
    parser.add_argument('--no-verify', dest='verify', action='store_false', help='without the remedies')
    parser.add_argument('--markdown', type=pathlib.Path, metavar='FILE', help='what came out, for people')
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--keep', action='store_true', help='keep the folders of the trials')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    options.command = ' '.join(['lab/prove.py', *sys.argv[1:]])
    options.build = options.build.resolve()
    return options


def main():
    options = parse()
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(how, lambda *_: stopping.set())
    if os.geteuid() != 0:
        sys.exit('prove.py: needs root')
    chosen = [s for s in scenarios.ALL
              if not options.names or any(s.name.startswith(n) for n in options.names)]
    start = time.monotonic()
    options.machine = Machine(chosen)
    try:
        with tempfile.TemporaryDirectory() as folder:
            options.labload = pathlib.Path(folder) / 'labload'
            subprocess.run(['cc', '-O2', '-o', options.labload, '-D_GNU_SOURCE',
                            *sorted((LAB / 'load').glob('*.c')), '-lpthread', '-lm'], check=True)
            results = run_all(chosen, options)
    finally:
        left = options.machine.put_back()
    if options.markdown:
        options.markdown.write_text(document(results, options, time.monotonic() - start)
                                    + remarks(options.markdown))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + '\n')
    score = Score(results)
    print(score.text())
    for path in left:
        print(f'{path} had not been put back; it is now')
    print(f'{score.right} right, {score.wrong} wrong, {score.skipped} not run')
    sys.exit(0 if score.passes() and not left else 1)


if __name__ == '__main__':
    main()
