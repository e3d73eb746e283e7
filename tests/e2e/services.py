#!/usr/bin/env python3
"""The agent watches real services: nginx, redis, postgresql and sshd, started by hand on ports of
their own, and units of a real systemd that runs in a namespace of its own. What is not installed
or not allowed here is skipped."""
import glob
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

import galen

SAMPLE = re.compile(r'(galen_service_\w+|node_systemd_\w+)\{(.*)\} (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Agent:
    def __init__(self, folder, services, env=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = galen.free_port()
        config = folder / 'agent.yaml'
        config.write_text(f'listen: 127.0.0.1:{self.port}\nstate: {folder}/state\n'
                          'interval: 500ms\nno_link: true\nservices:\n' + services)
        self.process = galen.Process([galen.BUILD / 'galen-agent', '--config', config],
                                     folder / 'agent.log', env)

    def samples(self):
        try:
            text = urllib.request.urlopen(f'http://127.0.0.1:{self.port}/metrics',
                                          timeout=5).read().decode()
        except OSError:
            return []
        found = (SAMPLE.match(line) for line in text.splitlines())
        return [(m[1], dict(LABEL.findall(m[2])), float(m[3])) for m in found if m]

    def health(self, service):
        for name, labels, value in self.samples():
            if name == 'galen_service_state' and value and labels['service'] == service:
                return labels['state']
        return None

    def info(self, service):
        for name, labels, _ in self.samples():
            if name == 'galen_service_info' and labels['service'] == service:
                return labels
        return {}

    def becomes(self, tap, service, health, title, seconds=25):
        galen.wait_for(lambda: self.health(service) == health, seconds, 0.3)
        tap.ok(self.health(service) == health, title,
               f'{self.health(service)}, not {health}: {self.info(service)}\n'
               + self.process.text())


def tool(*names):
    for name in names:
        found = shutil.which(name) or next(iter(sorted(glob.glob(name), reverse=True)), None)
        if found:
            return found
    return None


def readable(folder):
    """Others' processes (nginx's workers, postgres) reach it too."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder


def start_nginx(folder):
    port = galen.free_port()
    config = folder / 'nginx.conf'
    config.write_text(f'''daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port};
    location /fine {{ return 200 "all is well"; }}
    location /bad {{ return 503 "not now"; }} }} }}
''')
    binary = tool('nginx', '/usr/sbin/nginx')
    return port, galen.Process([binary, '-c', config, '-p', folder], folder / 'log')


def start_redis(folder):
    port = galen.free_port()
    return port, galen.Process([tool('redis-server'), '--port', str(port), '--bind', '127.0.0.1',
                                '--dir', folder, '--save', ''], folder / 'log')


def start_sshd(folder):
    port = galen.free_port()
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', folder / 'key'], check=True)
    pathlib.Path('/run/sshd').mkdir(exist_ok=True)
    return port, galen.Process([tool('sshd', '/usr/sbin/sshd'), '-D', '-f', '/dev/null', '-h',
                                folder / 'key', '-o', f'ListenAddress=127.0.0.1:{port}', '-o',
                                f'PidFile={folder}/pid'], folder / 'log')


def start_postgresql(folder):
    port = galen.free_port()
    where = pathlib.Path(tool('/usr/lib/postgresql/*/bin/initdb', 'initdb')).parent
    user = pwd.getpwnam('postgres')
    folder.chmod(0o777)
    data = folder / 'data'

    def become():
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    subprocess.run([where / 'initdb', '-D', data, '-A', 'trust', '--no-sync'], check=True,
                   capture_output=True, preexec_fn=become, cwd='/')
    command = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups',
               where / 'postgres', '-D', data, '-p', str(port), '-k', folder, '-h', '127.0.0.1']
    return port, galen.Process(command, folder / 'log')


STARTS = {
    'nginx': (start_nginx, ['nginx', '/usr/sbin/nginx']),
    'redis': (start_redis, ['redis-server']),
    'ssh': (start_sshd, ['sshd', '/usr/sbin/sshd']),
    'postgresql': (start_postgresql, ['/usr/lib/postgresql/*/bin/postgres']),
}


def real_services(tap, folder):
    ports, running = {}, {}
    if os.geteuid() != 0:
        tap.skip('real services', 'needs root to start them as their own users')
        return
    try:
        for name, (start, needs) in STARTS.items():
            if not tool(*needs):
                tap.skip(name, f'{name} is not installed')
                continue
            ports[name], running[name] = start(readable(readable(folder) / name))
        services = ''.join(
            f'  - {{name: {name}, interval: 1s, timeout: 2s, '
            f'probes: [{{tcp: "127.0.0.1:{port}"}}]}}\n' for name, port in ports.items()
            if name not in ('nginx', 'postgresql'))
        if 'nginx' in ports:
            services += f'''  - name: nginx
    interval: 1s
    probes: [{{http: "http://127.0.0.1:{ports['nginx']}/fine", status: 200, text: all is well}}]
  - name: half
    process: nginx
    interval: 1s
    probes:
      - {{http: "http://127.0.0.1:{ports['nginx']}/fine", text: something else}}
      - {{http: "http://127.0.0.1:{ports['nginx']}/bad", status: 200, name: status}}
'''
        if 'postgresql' in ports:
            services += f'''  - name: postgresql
    interval: 1s
    probes:
      - tcp: 127.0.0.1:{ports['postgresql']}
      - unix: {folder}/postgresql/.s.PGSQL.{ports['postgresql']}
'''
        agent = Agent(folder / 'agent', services)
        running['agent'] = agent.process
        for name in ports:
            agent.becomes(tap, name, 'healthy', f'{name} runs and answers')
        if 'nginx' in ports:
            agent.becomes(tap, 'half', 'degraded', 'a service that answers wrongly is degraded')
            reason = agent.info('half').get('reason', '')
            tap.ok('without the text' in reason and 'answered 503 instead of 200' in reason,
                   'and the reason names each check', reason)
        if 'redis' in ports:
            running['redis'].process.send_signal(signal.SIGSTOP)
            agent.becomes(tap, 'redis', 'healthy', 'a stopped process still has its socket')
            running['redis'].process.send_signal(signal.SIGCONT)
            running['redis'].kill(signal.SIGTERM)
            agent.becomes(tap, 'redis', 'down', 'redis that was ended is down')
            tap.ok('refused' in agent.info('redis').get('reason', ''), 'and it is said why')
    finally:
        for process in running.values():
            process.kill(signal.SIGTERM)


INNER = r'''
mount --make-rprivate /
umount -l /sys/fs/cgroup/* 2>/dev/null; umount -l /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 77
mount -t proc proc /proc && mount -t tmpfs tmpfs /run || exit 77
mkdir -p /run/systemd/system /run/dbus /run/units
mount --bind "$1" /run/dbus
unit() { printf '[Unit]\nDefaultDependencies=no\n%b' "$2" >"/run/units/$1"; }
unit basic.target ''
unit default.target 'Requires=dbus.socket dbus.service\nWants=demo.service broken.service\n'
unit demo.service '[Service]\nExecStart=/bin/sleep 1000\n'
unit broken.service '[Service]\nExecStart=/bin/false\n'
unit done.service '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n'
unit dbus.socket '[Socket]\nListenStream=/run/dbus/system_bus_socket\n'
unit dbus.service '[Service]\nExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n'
export container=test SYSTEMD_UNIT_PATH=/run/units
exec /lib/systemd/systemd --system --unit=default.target
'''


def real_systemd(tap, folder):
    bus = readable(folder / 'bus')
    if os.geteuid() != 0 or not pathlib.Path('/lib/systemd/systemd').exists() \
            or not tool('dbus-daemon') or not tool('unshare'):
        tap.skip('units of systemd', 'systemd and dbus-daemon as root in a namespace of their own')
        return
    command = ['unshare', '--kill-child', '--fork', '--pid', '--mount', '--uts', '--ipc',
               '--cgroup', 'sh', '-c', INNER, 'inner', bus]
    systemd = galen.Process(command, folder / 'systemd.log')
    agent = None
    socket = bus / 'system_bus_socket'
    try:
        if not galen.wait_for(socket.exists, 10):
            tap.skip('units of systemd', 'it does not start here: ' + systemd.text()[-200:])
            return
        agent = Agent(folder / 'agent', '  - demo\n  - broken\n  - missing\n',
                      {'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={socket}'})
        agent.becomes(tap, 'demo', 'healthy', 'a unit that runs')
        tap.equal(agent.info('demo').get('source'), 'systemd', 'systemd said so')
        agent.becomes(tap, 'broken', 'down', 'a unit that failed')
        tap.equal(agent.info('broken').get('raw'), 'error', 'its raw state')
        agent.becomes(tap, 'missing', 'unknown', 'a unit that is not there')
        tap.equal(agent.info('missing').get('raw'), 'not_found', 'its raw state')
        failed = galen.wait_for(lambda: [s for s in agent.samples() if s[0] == 'node_systemd_units'
                                         and s[1]['state'] == 'failed' and s[2] >= 1], 10)
        tap.ok(failed, 'failed units are counted')
        named = [s[1]['name'] for s in agent.samples() if s[0] == 'node_systemd_unit_state'
                 and s[1]['state'] == 'failed' and s[2] == 1]
        tap.ok('broken.service' in named, 'and named', named)
        forks = [line for line in pathlib.Path(
            f'/proc/{agent.process.process.pid}/task/{agent.process.process.pid}/children'
        ).read_text().split()]
        tap.equal(forks, [], 'without a child process')
    finally:
        if agent:
            agent.process.kill(signal.SIGTERM)
        systemd.kill()


def main():
    tap = galen.Tap()
    with tempfile.TemporaryDirectory(prefix='galen-services-') as name:
        folder = readable(pathlib.Path(name))
        real_services(tap, folder / 'services')
        real_systemd(tap, folder / 'systemd')
    tap.exit()


if __name__ == '__main__':
    sys.exit(main())
