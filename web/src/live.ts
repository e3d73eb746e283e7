// The only WebSocket. It connects while someone is signed in, backs off with jitter when the
// server is away, and renews every watch after a reconnection; what was missed meanwhile is read
// again by whoever listens to store.catchUp.

import type { LiveMessage, LiveValue } from './shapes';
import { liveMessage } from './shapes';
import { catchUp, connection, hosts, newestSampleMs, told } from './store';

export type OnPoint = (tMs: number, values: LiveValue[][]) => void;

interface Watch {
  host: string;
  exprs: string[];
  fn: OnPoint;
  /** Not oftener than this; the server has a floor of its own. */
  everyMs: number;
  onError: (detail: string) => void;
}

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
const OPEN_TIMEOUT_MS = 10_000;

const watches = new Map<number, Watch>();
let lastId = 0;
let socket: WebSocket | null = null;
let wanted = false;
let tries = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** 1 s, 2 s, 4 s ... 30 s, each shortened by up to a third so that browsers do not return as one. */
export function retryDelayMs(attempt: number, random: number): number {
  const full = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
  return Math.round(full * (1 - random / 3));
}

function say(message: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function sayWatch(id: number, w: Watch): void {
  say({ op: 'watch', id, host: w.host, exprs: w.exprs, every_ms: w.everyMs });
}

/** One message that makes no sense must not end the stream: it is dropped and told to developers. */
function understood(text: string): LiveMessage | null {
  try {
    return liveMessage(JSON.parse(text), 'live');
  } catch (e) {
    console.error(e);
    return null;
  }
}

function hear(text: string): void {
  const m = understood(text);
  if (!m) return;
  switch (m.op) {
    case 'point':
      newestSampleMs.set(Math.max(newestSampleMs.get(), m.t_ms));
      watches.get(m.id)?.fn(m.t_ms, m.values);
      break;
    case 'hosts':
      hosts.set(m.hosts);
      newestSampleMs.set(Math.max(newestSampleMs.get(), ...m.hosts.map(h => h.last_seen_ms)));
      break;
    case 'advice':
      hosts.update(all => all?.map(h => (h.id === m.host || h.name === m.host ? { ...h, advice: m.analysis } : h)));
      break;
    case 'notification':
      told.set(m.notification);
      break;
    case 'error':
      if (m.id !== null) watches.get(m.id)?.onError(m.detail);
      break;
  }
}

function opened(): void {
  const before = connection.get();
  tries = 0;
  connection.set({ state: 'live' });
  say({ op: 'hosts' });
  for (const [id, w] of watches) sayWatch(id, w);
  if (before.state === 'offline') catchUp.update(n => n + 1);
}

function lost(): void {
  socket = null;
  if (!wanted) return;
  const before = connection.get();
  const delay = retryDelayMs(tries++, Math.random());
  const sinceMs = before.state === 'offline' ? before.sinceMs : Date.now();
  connection.set({ state: 'offline', sinceMs, retryAtMs: Date.now() + delay });
  timer = setTimeout(open, delay);
}

function open(): void {
  clearTimeout(timer);
  const url = new URL('live', document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const s = new WebSocket(url.href);
  socket = s;
  const slow = setTimeout(() => s.close(), OPEN_TIMEOUT_MS);
  s.onopen = () => {
    clearTimeout(slow);
    if (s === socket) opened();
  };
  s.onmessage = e => {
    if (s === socket && typeof e.data === 'string') hear(e.data);
  };
  s.onclose = () => {
    clearTimeout(slow);
    if (s === socket) lost();
  };
}

export function connect(): void {
  if (wanted) return;
  wanted = true;
  tries = 0;
  connection.set({ state: 'connecting' });
  open();
}

export function disconnect(): void {
  wanted = false;
  clearTimeout(timer);
  socket?.close();
  socket = null;
}

/** The network is back, or the person asks: do not wait for the next try. */
export function retryNow(): void {
  if (wanted && !socket) open();
}

export interface WatchOptions {
  /** "" is any host: evaluated when data of any arrives. */
  host: string;
  exprs: string[];
  everyMs?: number;
  onPoint: OnPoint;
  onError?: (detail: string) => void;
}

/** Values of these expressions until the returned function is called. */
export function watch(o: WatchOptions): () => void {
  const id = ++lastId;
  const w: Watch = {
    host: o.host,
    exprs: o.exprs,
    fn: o.onPoint,
    everyMs: o.everyMs ?? 500,
    onError: o.onError ?? (() => {}),
  };
  watches.set(id, w);
  sayWatch(id, w);
  return () => {
    watches.delete(id);
    say({ op: 'unwatch', id });
  };
}
