"""Where notifications go in the end-to-end tests: an HTTPS receiver that keeps every byte, and a
mail server with STARTTLS and login."""
import http.server
import ssl
import threading
import time
import urllib.parse

API = '/api/galen/v1'


class Receiver(http.server.BaseHTTPRequestHandler):
    """/slow answers after 30 s, /deaf never; numbers in busy are refused once."""
    got, when, answer, busy = [], [], {}, []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        Receiver.when.append(time.monotonic())
        Receiver.got.append((self.path, dict(self.headers), body))
        if self.path == '/deaf':
            self.close_connection = True
            return
        time.sleep(30 if self.path == '/slow' else 0)
        status = Receiver.answer.get(self.path, 200)
        to = urllib.parse.parse_qs(body.decode()).get('To', [''])[0] if b'To=' in body[:3] else ''
        if to in Receiver.busy:
            Receiver.busy.remove(to)
            status = 503
        self.send_response(status)
        if status == 302:
            self.send_header('Location', '/elsewhere')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')

    def log_message(self, *_):
        pass


def posts(path):
    return [g for g in Receiver.got if g[0] == path]


def receiver(cert, key):
    """Its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'https://localhost:{server.server_port}'


def mail_server(port, cert, key, mails, password='pass word'):
    """aiosmtpd: what it takes goes into mails, with whether somebody had signed in."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            mails.append((envelope, session.authenticated))
            return '250 OK'

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b'galen', password.encode()),
                          handled=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    controller = Controller(Handler(), hostname='127.0.0.1', port=port, tls_context=context,
                            require_starttls=True, auth_required=True,
                            authenticator=authenticate)
    controller.start()
    return controller
