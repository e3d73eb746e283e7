"""Real processes for the end-to-end tests: server, agent, a remote writer, TAP."""
import gzip
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('GALEN_BUILD', ROOT / 'build-test'))
SOAK = bool(os.environ.get('GALEN_SOAK'))


class Tap:
    """Counts and prints; the process's exit code is .exit()'s."""

    def __init__(self):
        self.n = self.failed = 0

    def ok(self, condition, name, detail=''):
        self.n += 1
        if not condition:
            self.failed += 1
        print(f"{'ok' if condition else 'not ok'} {self.n} - {name}", flush=True)
        if not condition and detail:
            for line in str(detail).splitlines()[-40:]:
                print('# ' + line, flush=True)
        return bool(condition)

    def equal(self, got, want, name):
        return self.ok(got == want, name, f'got {got!r}, want {want!r}')

    def skip(self, name, why):
        self.n += 1
        print(f'ok {self.n} - {name} # SKIP {why}', flush=True)

    def exit(self):
        print(f'1..{self.n}')
        sys.exit(1 if self.failed else 0)


def wait_for(check, seconds, every=0.1):
    """The first true value of check(), or its last one after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def certificate(folder, name='localhost'):
    """A self-signed certificate for 127.0.0.1 and localhost: (cert, key) paths."""
    cert, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert,
                    '-days', '2', '-subj', f'/CN={name}', '-addext',
                    f'subjectAltName=DNS:{name},IP:127.0.0.1'],
                   check=True, capture_output=True)
    return cert, key


class Process:
    def __init__(self, command, log, env=None):
        self.log = log
        with open(log, 'ab') as out:
            self.process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL,
                                            env=dict(os.environ, **(env or {})))

    def kill(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)

    def alive(self):
        return self.process.poll() is None

    def text(self):
        return pathlib.Path(self.log).read_text(errors='replace')


class Server:
    """galen-server on a port of its own. dev: plain HTTP and token files."""

    def __init__(self, folder, tls=None, args=(), dev=True, env=None):
        self.env = env
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / 'data'
        self.port = free_port()
        self.tls, self.args, self.dev = tls, list(args), dev
        self.log = self.folder / 'server.log'
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.process = None

    def start(self, wait=True):
        command = [BUILD / 'galen-server', '--data', self.data,
                   '--listen', f'127.0.0.1:{self.port}', *self.args]
        if self.dev:
            command.append('--dev')
        if self.tls:
            command += ['--tls-cert', self.tls[0], '--tls-key', self.tls[1]]
        self.process = Process(command, self.log, self.env)
        if wait and not wait_for(self.ready, 20):
            raise RuntimeError('the server is not ready:\n' + self.process.text())
        return self

    def ready(self):
        if not self.process.alive():
            raise RuntimeError('the server ended:\n' + self.process.text())
        try:
            return self.request('GET', '/readyz', token=None)[0] == 200
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        return self.process.kill(how) if self.process else None

    def token(self, name='admin-token'):
        return (self.data / name).read_text().strip()

    def connection(self):
        if not self.tls:
            return http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        context = ssl.create_default_context(cafile=str(self.tls[0]))
        return http.client.HTTPSConnection('127.0.0.1', self.port, timeout=30, context=context)

    def request(self, method, path, body=None, headers=None, token='admin-token',
                connection=None):
        """(status, headers, body bytes)"""
        headers = dict(headers or {})
        if token:
            headers['Authorization'] = 'Bearer ' + (self.token(token) if token.endswith('-token')
                                                    else token)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        own = connection or self.connection()
        try:
            own.request(method, path, body=body, headers=headers)
            answer = own.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            if not connection:
                own.close()

    def json(self, method, path, body=None, **more):
        status, _, text = self.request(method, path, body, **more)
        if status >= 300:
            raise RuntimeError(f'{method} {path}: {status} {text[:500]!r}')
        return json.loads(text) if text else None

    def query(self, expr, at=None):
        path = '/api/v1/query?query=' + urllib.parse.quote(expr)
        if at is not None:
            path += f'&time={at:.3f}'
        return self.json('GET', path)['data']['result']

    def value(self, expr, at=None):
        """The only value of an expression, or None."""
        result = self.query(expr, at)
        return float(result[0]['value'][1]) if len(result) == 1 else None

    def hosts(self):
        return self.json('GET', '/api/galen/v1/hosts')['hosts']


# ---- remote write, by hand: protobuf packed with gzip ----

def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def time_series(labels, samples):
    body = b''.join(field(1, field(1, k.encode()) + field(2, v.encode()))
                    for k, v in sorted(labels.items()))
    for t_ms, v in samples:
        body += field(2, b'\x09' + struct.pack('<d', v) + b'\x10' + varint(t_ms))
    return field(1, body)


def write(server, series, token='agent-token', connection=None):
    """series: [(labels, [(ms, value)])]. Returns (status, body)."""
    message = b''.join(time_series(labels, samples) for labels, samples in series)
    status, _, body = server.request('POST', '/api/v1/write', gzip.compress(message, 1),
                                     {'Content-Encoding': 'gzip',
                                      'Content-Type': 'application/x-protobuf'},
                                     token=token, connection=connection)
    return status, body


class Agent:
    def __init__(self, folder, server, args=(), root=None, interval='1s', token='agent-token',
                 ca=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / 'state'
        self.log = self.folder / 'agent.log'
        self.command = [BUILD / 'galen-agent', '--server', server.url, '--state', self.state,
                        *args]
        if interval:
            self.command += ['--interval', interval]
        if token:
            self.command += ['--token-file', server.data / token]
        if root:
            self.command += ['--root', root]
        if ca:
            self.command += ['--ca', ca]
        self.process = None

    def start(self):
        self.process = Process(self.command, self.log)
        return self

    def stop(self, how=signal.SIGTERM):
        return self.process.kill(how) if self.process else None


class WebSocket:
    """A client of /live and the like: JSON text messages."""

    def __init__(self, server, path, token='admin-token', port=None):
        sock = socket.create_connection(('127.0.0.1', port or server.port), 10)
        if server.tls:
            context = ssl.create_default_context(cafile=str(server.tls[0]))
            sock = context.wrap_socket(sock, server_hostname='localhost')
        self.sock, self.buffer = sock, b''
        secret = server.token(token) if token.endswith('-token') else token
        sock.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'
                     'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                     'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
                     f'Authorization: Bearer {secret}\r\n\r\n'.encode())
        while b'\r\n\r\n' not in self.buffer:
            piece = sock.recv(4096)
            if not piece:
                break
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        self.status = int(head.split(b' ')[1])
        if self.status != 101:
            raise RuntimeError(head.decode())

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.sock.close()

    def frame(self, opcode, body):
        mask = os.urandom(4)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else b'\xfe' + struct.pack('>H', len(body))
        self.sock.sendall(bytes([0x80 | opcode]) + size + mask +
                          bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def send(self, message):
        self.frame(1, message if isinstance(message, bytes) else json.dumps(message).encode())

    def take(self, n):
        while len(self.buffer) < n:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def receive(self, seconds):
        """The next text message as JSON; None when none came in time; (code, reason) at a close."""
        self.sock.settimeout(seconds)
        try:
            while True:
                first, size = self.take(2)
                size &= 127
                if size == 126:
                    size = struct.unpack('>H', self.take(2))[0]
                elif size == 127:
                    size = struct.unpack('>Q', self.take(8))[0]
                body = self.take(size)
                if first & 15 == 1:
                    return json.loads(body)
                if first & 15 == 8:
                    return struct.unpack('>H', body[:2])[0], body[2:].decode()
                if first & 15 == 9:
                    self.frame(10, body)
        except (TimeoutError, EOFError):
            return None


class Folder:
    """A scratch folder that is kept when the test failed."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f'galen-{name}-'))
        self.tap = Tap()

    def __enter__(self):
        return self.path, self.tap

    def __exit__(self, kind, value, trace):
        if kind is not None and kind is not SystemExit:
            self.tap.ok(False, f'no exception: {kind.__name__}: {value}')
            import traceback
            traceback.print_tb(trace)
        if self.tap.failed:
            print(f'# kept: {self.path}')
            for log in sorted([*self.path.rglob('server.log'), *self.path.rglob('agent.log')]):
                print(f'# {log}')
                for line in log.read_text(errors='replace').splitlines()[-25:]:
                    print('#   ' + line)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        self.tap.exit()


def seeded():
    """A random generator whose seed is printed, so that a failure can be repeated."""
    seed = int(os.environ.get('GALEN_SEED', random.SystemRandom().randrange(1 << 32)))
    print(f'# GALEN_SEED={seed}')
    return random.Random(seed)
