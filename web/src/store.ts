// All shared state, one named cell each. Views subscribe; live.ts, the router and the acts of
// main.tsx set. A cell tells its listeners only when the value is another one.

import { useEffect, useState } from 'preact/hooks';
import type { Host, Session } from './shapes';
import type { Told } from './shapes_alerts';

export interface Cell<T> {
  get(): T;
  set(v: T): void;
  update(fn: (v: T) => T): void;
  /** Calls fn at every change until the returned function is called. */
  on(fn: (v: T) => void): () => void;
}

export function cell<T>(initial: T): Cell<T> {
  let value = initial;
  const listeners = new Set<(v: T) => void>();
  const self: Cell<T> = {
    get: () => value,
    set(v) {
      if (Object.is(v, value)) return;
      value = v;
      for (const fn of [...listeners]) fn(v);
    },
    update: fn => self.set(fn(value)),
    on(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
  };
  return self;
}

export function useCell<T>(c: Cell<T>): T {
  const [v, set] = useState(c.get());
  useEffect(() => {
    set(() => c.get()); // it may have changed between render and effect
    return c.on(x => set(() => x));
  }, [c]);
  return v;
}

// ---- who ----

/** undefined: not asked yet; null: not signed in. */
export const session = cell<Session | null | undefined>(undefined);
export const isAdmin = (s: Session | null | undefined): boolean => s?.role === 'admin';
export const isOperator = (s: Session | null | undefined): boolean => s?.role === 'operator' || isAdmin(s);

// ---- what ----

/** undefined: not read yet. */
export const hosts = cell<Host[] | undefined>(undefined);
export const hostNamed = (all: Host[] | undefined, name: string | undefined): Host | undefined =>
  all?.find(h => h.name === name) ?? all?.find(h => h.id === name);

/** The last message for people at an open console. */
export const told = cell<Told | null>(null);

// ---- how fresh ----

export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'offline'; sinceMs: number; retryAtMs: number };
export const connection = cell<Connection>({ state: 'connecting' });
/** Time of the newest sample anyone received, by the server's clock; 0: none yet. */
export const newestSampleMs = cell(0);
/** Counts up when lost time has to be read again (the socket was gone for a while). */
export const catchUp = cell(0);
/** The time, once a second: what shows an age subscribes to this. */
export const now = cell(Date.now());


const SKEW_LEAST_MS = 3000; // a Date header has whole seconds, and an answer takes its time

/** What time the server has: a browser whose clock is wrong still asks for the right hour. */
export const serverTime = (() => {
  let aheadMs = 0;
  return {
    nowMs: (): number => Date.now() + aheadMs,
    heard(date: string | null, atMs: number): void {
      const ms = Date.parse(date ?? '');
      if (Number.isFinite(ms)) aheadMs = Math.abs(ms - atMs) > SKEW_LEAST_MS ? ms - atMs : 0;
    },
  };
})();

// ---- how shown ----

export const paused = cell(false);

export type Theme = 'system' | 'light' | 'dark';
export const theme = cell<Theme>('system');
/** Counts up when colours changed, by the switch or by the system. */
export const colours = cell(0);

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}
export const toasts = cell<Toast[]>([]);
let lastToast = 0;
export function toast(text: string, bad = false): void {
  const id = ++lastToast;
  toasts.update(all => [...all.slice(-2), { id, text, bad }]);
  setTimeout(() => toasts.update(all => all.filter(t => t.id !== id)), bad ? 8000 : 4000);
}

// ---- what this browser remembers ----

/** Storage may be forbidden: then nothing is remembered, and nothing breaks. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem('galen.' + key);
  } catch {
    return null;
  }
}
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem('galen.' + key, value);
  } catch {
    // not remembered
  }
}
