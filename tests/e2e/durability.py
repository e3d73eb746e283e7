#!/usr/bin/env python3
"""kill -9 of the server at random moments during ingest: nothing acknowledged is lost, nothing is
there twice, start-up is clean each time."""
import signal
import threading
import time

import galen

KILLS = 200 if galen.SOAK else 8
WRITERS = 8
SERIES = 20


class Writer(threading.Thread):
    """Writes counters as fast as it can; remembers what was acknowledged."""

    def __init__(self, server, number, start_ms):
        super().__init__(daemon=True)
        self.server, self.number, self.start_ms = server, number, start_ms
        self.acked, self.step, self.stopping, self.refused = [], 0, False, []

    def batch(self, step):
        t = self.start_ms + step * 100
        return [({'__name__': 'durable', 'instance': f'w{self.number}', 'series': str(i)},
                 [(t, float(step * SERIES + i))]) for i in range(SERIES)]

    def run(self):
        connection = None
        while not self.stopping:
            try:
                connection = connection or self.server.connection()
                status, body = galen.write(self.server, self.batch(self.step),
                                           connection=connection)
                if status in (200, 204):
                    self.acked.append(self.step)
                    self.step += 1
                elif status < 500 and status != 429:
                    self.refused.append((status, body))
                    return
            except OSError:
                connection = None
                time.sleep(0.02)
            except Exception:  # http.client's own when the answer is cut
                connection = None


def stored(server, writer):
    """{series: {ms: value}} of one writer."""
    result = server.query(f'durable{{instance="w{writer.number}"}}[1d]')
    return {s['metric']['series']: {round(t * 1000): float(v) for t, v in s['values']}
            for s in result}, sum(len(s['values']) for s in result)


with galen.Folder('durability') as (folder, tap):
    random = galen.seeded()
    server = galen.Server(folder).start()
    start_ms = int(time.time() * 1000) - 3_600_000
    writers = [Writer(server, i, start_ms) for i in range(WRITERS)]
    for w in writers:
        w.start()
    for _ in range(KILLS):
        time.sleep(random.uniform(0.05, 0.8))
        server.stop(signal.SIGKILL)
        server.start()
    for w in writers:
        w.stopping = True
    for w in writers:
        w.join()
    server.stop(signal.SIGKILL)
    server.start()
    tap.ok(not any(w.refused for w in writers), 'no batch was refused',
           [w.refused for w in writers])
    acknowledged = sum(len(w.acked) for w in writers)
    tap.ok(acknowledged > KILLS * 5, f'{acknowledged} batches were acknowledged over {KILLS} kills')
    lost = wrong = twice = 0
    for w in writers:
        series, points = stored(server, w)
        twice += points - sum(len(s) for s in series.values())
        for step in w.acked:
            for i in range(SERIES):
                got = series.get(str(i), {}).get(w.start_ms + step * 100)
                lost += got is None
                wrong += got is not None and got != step * SERIES + i
    tap.equal(lost, 0, 'no acknowledged sample was lost')
    tap.equal(wrong, 0, 'every value is what was written')
    tap.equal(twice, 0, 'nothing is there twice')
    server.stop()
