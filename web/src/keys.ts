// Single keys for the whole console; UX: they can be switched off, and never act while someone
// types.

import { parseRange, shifted } from './model/range';
import { go, route, setParams } from './router';
import { cell, hosts, paused, remember, remembered, serverTime } from './store';
import { nextTheme } from './theme';

export const KEYS: readonly [keys: string, does: string][] = [
  ['/', 'search'],
  ['g f', 'fleet'],
  ['g h', 'last host'],
  ['g r', 'advice'],
  ['g t', 'results'],
  ['g e', 'explore'],
  ['g a', 'alerts'],
  ['g d', 'data'],
  ['g s', 'settings'],
  ['j  k', 'next, previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'back, or close'],
  [',  .', 'range back, forward'],
  ['p', 'pause drawing'],
  ['c', 'copy the lines of the first card'],
  ['t', 'theme'],
  ['← →', 'on a chart: crosshair; with Shift: select; Enter: zoom; 0: reset'],
  ['?', 'this list'],
];

export const helpOpen = cell(false);
export const singleKeys = cell(remembered('keys') !== 'off');
singleKeys.on(on => remember('keys', on ? 'on' : 'off'));

const typing = (t: EventTarget | null): boolean =>
  t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName));

function moveRow(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex(r => r.contains(document.activeElement));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  (next?.querySelector<HTMLElement>('a, button') ?? next)?.focus();
}

function lastHost(): void {
  const name = remembered('host') ?? hosts.get()?.[0]?.name;
  if (name) go('host', { host: name });
}

function shiftRange(by: number): void {
  const r = route.get();
  if (r) setParams({ range: undefined, ...shifted(parseRange(r.params), by, serverTime.nowMs() / 1000) });
}

const AFTER_G: Record<string, () => void> = {
  f: () => go('fleet'),
  h: lastHost,
  r: () => go('advice'),
  t: () => go('results'),
  e: () => go('explore'),
  a: () => go('alerts'),
  d: () => go('data'),
  s: () => go('settings'),
};

const SINGLE: Record<string, () => void> = {
  '/': () => document.querySelector<HTMLElement>('[data-search]')?.focus(),
  '?': () => helpOpen.set(true),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  p: () => paused.update(on => !on),
  t: nextTheme,
  c: () => document.querySelector<HTMLElement>('[data-copy]')?.click(),
  ',': () => shiftRange(-0.5),
  '.': () => shiftRange(0.5),
};

export function startKeys(): void {
  let afterG = false;
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.key === 'Escape' && typing(e.target)) (e.target as HTMLElement).blur();
    else if (e.key === 'Escape' && !document.querySelector('dialog[open]') && route.get()?.page === 'host') go('fleet');
    if (typing(e.target) || !singleKeys.get() || document.querySelector('dialog[open]')) return;
    const act = afterG ? AFTER_G[e.key] : SINGLE[e.key];
    afterG = !afterG && e.key === 'g';
    if (!act) return;
    e.preventDefault();
    act();
  });
}
