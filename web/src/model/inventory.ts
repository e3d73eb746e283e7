// A machine's inventory as short tables, and what differs between two of its versions.

import type { Facts, Inventory } from '../shapes_host';
import { bytes, number } from '../units';

export interface Row {
  name: string;
  value: string;
}
export interface Block {
  title: string;
  rows: Row[];
}
export interface Grid {
  title: string;
  columns: string[];
  rows: string[][];
}

const isObject = (v: unknown): v is Facts => typeof v === 'object' && v !== null && !Array.isArray(v);
const object = (v: unknown): Facts => (isObject(v) ? v : {});
const objects = (v: unknown): Facts[] => (Array.isArray(v) ? v.filter(isObject) : []);

const ACRONYMS: Record<string, string> = { mtu: 'MTU', id: 'ID', cpu: 'CPU', bios: 'BIOS', machine_id: 'Machine ID' };

/** "total_bytes" is "total"; the unit is in the value. */
export function words(key: string): string {
  const text = key.replace(/_(bytes|bits|hz)$/, '').replaceAll('_', ' ');
  return ACRONYMS[text] ?? text.charAt(0).toUpperCase() + text.slice(1);
}

export function valueText(key: string, v: unknown): string {
  if (v === null || v === undefined) return '';
  if (typeof v === 'boolean') return v ? 'yes' : 'no';
  if (typeof v === 'number' && key === 'mtu_bytes') return `${v} bytes`;
  if (typeof v === 'number' && key.endsWith('_bytes')) return bytes(v);
  if (typeof v === 'number' && key.endsWith('_bits')) return `${number(v / 1e6)} Mbit/s`;
  if (typeof v === 'number' && key.endsWith('_hz')) return `${number(v / 1e9)} GHz`;
  if (Array.isArray(v)) return v.map(x => (isObject(x) ? objectText(x) : valueText(key, x))).join('; ');
  if (isObject(v)) return objectText(v);
  return String(v);
}

const objectText = (v: Facts): string =>
  Object.entries(v)
    .map(([k, x]) => (k === 'name' || k === 'level' || k === 'type' ? valueText(k, x) : `${words(k).toLowerCase()} ${valueText(k, x)}`))
    .join(' ');

const rows = (v: unknown): Row[] =>
  Object.entries(object(v))
    .map(([k, x]) => ({ name: words(k), value: valueText(k, x) }))
    .filter(r => r.value !== '');

const TITLES: readonly [key: string, title: string][] = [
  ['hardware', 'Hardware'],
  ['cpu', 'Processors'],
  ['memory', 'Memory'],
  ['kernel', 'Kernel'],
  ['distribution', 'Distribution'],
];
const LISTS: readonly [key: string, title: string][] = [
  ['disks', 'Disks'],
  ['interfaces', 'Network interfaces'],
  ['mounts', 'File systems'],
];

/** First what is said of the machine as a whole, then block by block; what is new to us comes last. */
export function blocks(facts: Facts): Block[] {
  const named = TITLES.map(([k, title]) => ({ title, rows: rows(facts[k]) }));
  const listed = new Set([...TITLES, ...LISTS].map(([k]) => k));
  const rest = Object.entries(facts).filter(([k]) => !listed.has(k));
  const machine = rest.filter(([, v]) => !isObject(v));
  const more = rest.filter(([, v]) => isObject(v)).map(([k, v]) => ({ title: words(k), rows: rows(v) }));
  return [{ title: 'Machine', rows: rows(Object.fromEntries(machine)) }, ...named, ...more].filter(b => b.rows.length > 0);
}

export function grids(facts: Facts): Grid[] {
  return LISTS.map(([key, title]) => {
    const items = objects(facts[key]);
    const keys = [...new Set(items.flatMap(i => Object.keys(i)))];
    return { title, columns: keys.map(words), rows: items.map(i => keys.map(k => valueText(k, i[k]))) };
  }).filter(g => g.rows.length > 0);
}

// ---- changes ----

export interface Difference {
  name: string;
  from: string;
  to: string;
}

function flat(key: string, v: unknown, path: string, out: Map<string, string>): void {
  if (isObject(v)) for (const [k, x] of Object.entries(v)) flat(k, x, path ? `${path} ${words(k).toLowerCase()}` : words(k), out);
  else if (Array.isArray(v) && v.some(isObject))
    v.forEach((x, i) => flat(key, x, `${path} ${isObject(x) ? String(x['name'] ?? x['mountpoint'] ?? i + 1) : i + 1}`, out));
  else out.set(path, valueText(key, v));
}

export function differences(before: Facts, after: Facts): Difference[] {
  const a = new Map<string, string>();
  const b = new Map<string, string>();
  flat('', before, '', a);
  flat('', after, '', b);
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter(k => a.get(k) !== b.get(k))
    .map(k => ({ name: k, from: a.get(k) ?? '', to: b.get(k) ?? '' }));
}

export interface Step {
  atMs: number;
  version: number;
  differences: Difference[];
}

/** What each new version changed, newest first. */
export function steps(i: Inventory): Step[] {
  const all = [{ version: i.version, from_ms: i.from_ms, inventory: i.inventory }, ...i.history];
  return all.slice(0, -1).map((v, n) => ({
    atMs: v.from_ms,
    version: v.version,
    differences: differences(all[n + 1]!.inventory.facts, v.inventory.facts),
  }));
}
