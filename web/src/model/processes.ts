// A snapshot of processes as a table, ranked by what one of four orders says; and times of
// snapshots in the address and in a form.

import type { Process, Snapshot } from '../shapes_host';

export const ORDERS = [
  { id: 'cpu', text: 'CPU' },
  { id: 'memory', text: 'Memory' },
  { id: 'io', text: 'I/O' },
  { id: 'descriptors', text: 'Descriptors' },
] as const;
export type Order = (typeof ORDERS)[number]['id'];
export const orderOf = (text: string | undefined): Order => ORDERS.find(o => o.id === text)?.id ?? 'cpu';

/** The agent ranked them; a process that is in no order any more is left out. */
export function ranked(s: Snapshot, by: Order): Process[] {
  const byPid = new Map(s.processes.processes.map(p => [p.pid, p]));
  return (s.processes.top[by] ?? []).flatMap(pid => byPid.get(pid) ?? []);
}

const STATES: Record<string, string> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for a disk',
  Z: 'ended, not fetched',
  T: 'stopped',
  I: 'idle',
  t: 'traced',
  X: 'dead',
};
export const stateWord = (s: string | null): string => (s === null ? '' : (STATES[s] ?? s));

/** "126 processes: 1 running, 80 sleeping", the most telling states first. */
export function census(s: Snapshot): string {
  const told = ['R', 'D', 'Z', 'T', 'S', 'I'].filter(k => (s.processes.states[k] ?? 0) > 0);
  const parts = told.map(k => `${s.processes.states[k]} ${stateWord(k)}`);
  return `${s.processes.count} processes${parts.length ? ': ' : ''}${parts.join(', ')}`;
}

const CAUSES: Record<string, string> = { minute: 'taken each minute', asked: 'taken when asked for', alert: 'taken when an alert fired' };
export const causeWord = (cause: string): string => CAUSES[cause] ?? cause;

export function momentOf(text: string | undefined): number | undefined {
  const ms = Number(text ?? NaN);
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** As <input type=datetime-local> wants it, in local time, and back. */
export function toInput(ms: number): string {
  const d = new Date(ms);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
export const fromInput = (text: string): number | undefined => momentOf(String(Date.parse(text)));
