#!/usr/bin/env python3
"""galen-agent for arm64, cross-compiled here and run by qemu: it says of every recorded machine what the
native one says, and sends this machine's figures to a real server over TLS."""
import os
import platform
import re
import shutil
import subprocess

import galen

OWN = re.compile(r'galen_agent_(collector_seconds_total|cpu_seconds_total|resident_bytes)|node_time_seconds')
FOLDER = galen.BUILD / 'arm64'
TOOLS = ('aarch64-linux-gnu-gcc', 'qemu-aarch64', 'apt-get', 'dpkg-deb')


def why_not():
    if platform.machine() == 'aarch64':
        return 'this machine is one'
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"not installed: {', '.join(missing)}" if missing else None


def figures(command, machine):
    """Lines without the time and what the agent says of its own cost."""
    done = subprocess.run([*command, '--print', '--log-level', 'error', '--root', machine],
                          capture_output=True, text=True, timeout=60)
    return [line for line in done.stdout.splitlines() if not OWN.match(line)], done.stderr


with galen.Folder('arm64') as (folder, tap):
    reason = why_not()
    if reason:
        tap.skip('galen-agent for arm64', reason)
        tap.exit()
    built = subprocess.run([galen.ROOT / 'tools/arm64.sh', FOLDER], cwd=galen.ROOT, capture_output=True,
                           text=True, timeout=300)
    if built.returncode and not (FOLDER / 'sysroot/root/usr/include/event2').is_dir():
        tap.skip('galen-agent for arm64', 'the arm64 libraries cannot be had from Debian now: '
                 + ' '.join(built.stderr.split())[-300:])
        tap.exit()
    program = FOLDER / 'build/galen-agent'
    if not tap.ok(built.returncode == 0 and program.exists(), 'it is built', built.stdout + built.stderr):
        tap.exit()
    head = program.read_bytes()[:20]
    tap.ok(head[:4] == b'\x7fELF' and head[18:20] == b'\xb7\x00', 'for arm64')
    foreign = ['qemu-aarch64', '-L', FOLDER / 'sysroot/root', program]
    machines = sorted(p for p in (galen.ROOT / 'tests/machines').iterdir() if (p / 'proc').is_dir())
    tap.ok(len(machines) >= 10, f'{len(machines)} recorded machines')
    for machine in machines:
        there, errors = figures(foreign, machine)
        here, _ = figures([galen.BUILD / 'galen-agent'], machine)
        differ = [f'native {a}\narm64 {b}' for a, b in zip(here, there) if a != b]
        tap.ok(len(here) > 50 and len(here) == len(there) and not differ, f'{machine.name}: the same {len(here)} '
               'lines', '\n'.join(differ[:5]) or f'{len(here)} and {len(there)} lines\n{errors}')

    server = galen.Server(folder, tls=galen.certificate(folder)).start()
    # qemu takes "/" for the libraries' root; a relative path it leaves alone
    sent = subprocess.run([*foreign, '--once', '--root', os.path.relpath('/'), '--server', server.url, '--ca', server.tls[0], '--state',
                           folder / 'state', '--token-file', server.data / 'agent-token', '--hostname', 'arm'],
                          capture_output=True, text=True, timeout=60)
    tap.equal(sent.returncode, 0, 'this machine\'s figures are sent over TLS: ' + sent.stderr[-200:])
    memory = int(re.search(r'MemTotal:\s+(\d+)', open('/proc/meminfo', encoding='utf-8').read())[1]) * 1024
    tap.equal(galen.wait_for(lambda: server.value('node_memory_MemTotal_bytes{instance="arm"}'), 10), memory,
              'and are there')
    server.stop()
