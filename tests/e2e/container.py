#!/usr/bin/env python3
"""The agent in namespaces of its own (mounts, processes, network, names, IPC; users too when it is not root),
with the host's files mounted elsewhere: what it sends to a real server is the host's, never the container's."""
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

import galen

NAME = 'an-agent-host-'


def pump(one, other):
    try:
        while piece := one.recv(65536):
            other.sendall(piece)
    except OSError:
        pass
    for end in (one, other):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(listener, connect):
    """Who connects here talks to whom connect() reaches: the way from one network to the other."""
    def serve():
        while True:
            try:
                near = listener.accept()[0]
                far = connect()
            except OSError:
                return
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()


def unix_socket(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return sock


def inside(folder, how, port):
    """In the container: /host is made, the way out is opened, then this process waits for the agent."""
    host = folder / how
    mount = lambda *args: subprocess.run(['mount', *map(str, args)], check=True)
    host.mkdir()
    if how == 'whole':
        mount('--rbind', '/', host)
    else:
        mount('-t', 'tmpfs', 'container', host)
        for name in ('proc', 'sys', 'etc'):
            (host / name).mkdir()
            mount('--rbind', f'/{name}', host / name)
        mount('-o', 'remount,bind,ro', host / 'proc')
        mount('-o', 'remount,bind,ro', host / 'sys')
    (folder / 'hostname').write_text(NAME + how + '\n')
    if (host / 'etc/hostname').exists():
        mount('--bind', folder / 'hostname', host / 'etc/hostname')
    mount('-t', 'proc', 'proc', '/proc')
    subprocess.run(['hostname', 'the-container'], check=False)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    listener = socket.create_server(('127.0.0.1', port))
    relay(listener, lambda: unix_socket(folder / f'{how}.sock'))
    print(open('/proc/net/dev', encoding='utf-8').read(), os.getpid(), flush=True)
    agent = subprocess.Popen([galen.BUILD / 'galen-agent', '--server', f'http://127.0.0.1:{port}', '--root', host,
                              '--state', folder / f'{how}-state', '--token-file', folder / 'data/agent-token',
                              '--interval', '1s', '--config', os.devnull])
    sys.exit(agent.wait())


def number(path, pattern):
    return float(re.search(pattern, pathlib.Path(path).read_text(), re.M)[1])


def devices():
    return {line.split(':')[0].strip() for line in open('/proc/net/dev', encoding='utf-8') if ':' in line} - {'lo'}


def check(tap, folder, server, how):
    outside = socket.socket(socket.AF_UNIX)
    outside.bind(str(folder / f'{how}.sock'))
    outside.listen()
    relay(outside, lambda: socket.create_connection(('127.0.0.1', server.port)))
    inner = galen.free_port()
    segments = int(pathlib.Path('/proc/net/snmp').read_text().split('Tcp:')[2].split()[9])
    own = [] if os.geteuid() == 0 else ['--user', '--map-root-user']
    container = galen.Process(['unshare', *own, '--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child',
                               sys.executable, __file__, 'inside', folder, how, inner], folder / f'{how}-agent.log',
                              {'GALEN_BUILD': str(galen.BUILD)})
    host = NAME + how
    name = f'{{instance="{host}"}}'
    try:
        if not tap.ok(galen.wait_for(lambda: (server.value(f'count_over_time(node_load1{name}[1m])') or 0) >= 2, 25, 0.3),
                      f'{how}: it sends, under the host\'s name', container.text()):
            return
        value = server.value
        tap.equal(value(f'node_memory_MemTotal_bytes{name}'), number('/proc/meminfo', r'^MemTotal:\s+(\d+)') * 1024,
                  'memory is the host\'s')
        tap.equal(value(f'count(node_cpu_seconds_total{{instance="{host}",mode="idle"}})'),
                  float(len(re.findall(r'^cpu\d', open('/proc/stat', encoding='utf-8').read(), re.M))), 'processors')
        info = galen.wait_for(lambda: server.query(f'galen_host_info{name}'), 10)
        tap.equal(info and info[0]['metric'].get('boot_id'),
                  open('/proc/sys/kernel/random/boot_id', encoding='utf-8').read().strip(), 'boot id')
        named = server.query(f'node_uname_info{name}')
        tap.equal(named and named[0]['metric']['nodename'], host, 'the container\'s name is not the host\'s')
        tap.ok((value(f'node_processes_pids{name}') or 0) > 3, 'processes of the host',
               str(value(f'node_processes_pids{name}')))
        got = {r['metric']['device'] for r in server.query(f'node_network_receive_bytes_total{name}')}
        tap.equal(got, devices(), 'network devices')
        tap.equal(value(f'galen_listener_queue_length{{instance="{host}",port="{server.port}"}}'), 0.0,
                  'the host\'s listeners are seen')
        tap.equal(server.query(f'galen_listener_queue_length{{instance="{host}",port="{inner}"}}'), [],
                  'the container\'s are not')
        tap.ok((value(f'node_netstat_Tcp_InSegs{name}') or 0) >= segments, 'segments that the host received')
        tap.equal((value(f'count(galen_sysctl{{instance="{host}",name=~"net.+|kernel.(sem|shm.*|msg.*)"}})'),
                   value(f'galen_sysctl{{instance="{host}",name="vm.swappiness"}}')),
                  (None, number('/proc/sys/vm/swappiness', r'(\d+)')), 'no parameter that would be the container\'s')
        tap.equal(server.query(f'galen_sysvipc_msg_queues{name}'), [], 'nor its System V IPC')
        root = server.query(f'node_filesystem_size_bytes{{instance="{host}",mountpoint="/"}}')
        everything = server.query(f'node_filesystem_size_bytes{name}')
        if how == 'parts':
            tap.equal([r['metric']['mountpoint'] for r in everything if r['metric']['mountpoint'] == '/'], [],
                      'a folder of the container is not taken for the host\'s root')
        else:
            kind = subprocess.run(['stat', '-f', '-c', '%T', '/'], capture_output=True, text=True).stdout.strip()
            space = os.statvfs('/')
            if kind.startswith('overlay'):
                tap.skip('the host\'s root', 'it is an overlay here')
            else:
                tap.equal([float(r['value'][1]) for r in root], [float(space.f_blocks * space.f_frsize)],
                          'the host\'s root, by its mount')
        tap.ok('has a network of its own' in container.text(), 'what cannot be seen is told', container.text())
    finally:
        container.kill()  # and with it all that runs in there
        outside.close()


def may_unshare():
    own = [] if os.geteuid() == 0 else ['--user', '--map-root-user']
    done = subprocess.run(['unshare', *own, '--mount', '--pid', '--net', '--uts', '--ipc', '--fork', 'mount', '-t',
                           'proc', 'proc', '/proc'], capture_output=True, text=True)
    return done.returncode == 0, done.stderr.strip()


def as_nobody(tap):
    """Without rights: what may not be looked at is told, by collector."""
    switch = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] if os.geteuid() == 0 else []
    done = subprocess.run([*switch, galen.BUILD / 'galen-agent', '--print', '--log-level', 'info'], capture_output=True,
                          text=True, timeout=30)
    if switch and done.returncode == 127:
        tap.skip('an agent without rights', 'the build may not be read by others')
        return
    tap.ok(re.search(r'galen_agent_collector_denied\{collector="inotify",needs="CAP_SYS_PTRACE"\} [1-9]', done.stdout),
           'a collector that lacks a right says so', done.stdout[-300:])
    tap.ok('collector inotify may not look at everything' in done.stderr, 'in the log too', done.stderr)


def only_a_network(tap):
    """No container: who starts an agent in a network namespace wants to see that."""
    own = [] if os.geteuid() == 0 else ['--user', '--map-root-user']
    done = subprocess.run(['unshare', *own, '--net', galen.BUILD / 'galen-agent', '--print', '--log-level', 'info'],
                          capture_output=True, text=True, timeout=30)
    devices = set(re.findall(r'node_network_receive_bytes_total\{device="([^"]*)"', done.stdout))
    tap.ok('has a network of its own' not in done.stderr and 'net.core.somaxconn' in done.stdout,
           'a network namespace alone is no container', done.stderr)
    tap.ok(devices <= set(re.findall(r'(\S+):', subprocess.run(
        ['unshare', *own, '--net', 'cat', '/proc/net/dev'], capture_output=True, text=True).stdout)),
           'its network is seen', devices)


if len(sys.argv) > 1:
    inside(pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
with galen.Folder('container') as (scratch, results):
    allowed, reason = may_unshare()
    if not allowed:
        results.skip('the agent in a container', f'namespaces are not allowed here: {reason}')
        results.exit()
    receiver = galen.Server(scratch).start()
    for variant in ('parts', 'whole'):
        check(results, scratch, receiver, variant)
    receiver.stop()
    only_a_network(results)
    as_nobody(results)
