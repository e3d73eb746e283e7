// The fleet as rows: hosts with the few figures that tell where to look, most urgent first.

import type { FindingClass, Host, LiveValue, Range } from '../shapes';

export type Kind = 'increase' | 'decrease' | 'upgrade' | 'none' | 'silent' | 'new';

export interface Figures {
  cpu?: number;
  memory?: number;
  mount?: { path: string; used: number };
  pressure?: { of: string; share: number };
  spark?: (number | null)[];
}

export interface Row extends Figures {
  host: Host;
  kind: Kind;
  silentS: number;
}

/** By host over the whole fleet, PromQL. */
export const FLEET_QUERIES = {
  cpu:
    '100 - 100 * sum by (instance) (rate(node_cpu_seconds_total{mode=~"idle|iowait"}[1m]))' +
    ' / count by (instance) (node_cpu_seconds_total{mode="idle"})',
  memory: '100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)',
  mount:
    'topk by (instance) (1, 100 * (1 - node_filesystem_avail_bytes' +
    '{fstype!~"tmpfs|devtmpfs|ramfs|squashfs|iso9660|nsfs|autofs"} / node_filesystem_size_bytes))',
  cpuPressure: '100 * rate(node_pressure_cpu_waiting_seconds_total[1m])',
  memoryPressure: '100 * rate(node_pressure_memory_waiting_seconds_total[1m])',
  diskPressure: '100 * rate(node_pressure_io_waiting_seconds_total[1m])',
} as const;
export type FleetAnswers = { [K in keyof typeof FLEET_QUERIES]: LiveValue[] };

const of = (i: LiveValue): string => i.labels['instance'] ?? '';

/** What each host's figures are, by name. */
export function figures(a: FleetAnswers, sparks: readonly Range[], spark: { startS: number; stepS: number; n: number }) {
  const all = new Map<string, Figures>();
  const at = (name: string): Figures => {
    const found = all.get(name) ?? {};
    all.set(name, found);
    return found;
  };
  for (const i of a.cpu) at(of(i)).cpu = Math.max(0, i.v);
  for (const i of a.memory) at(of(i)).memory = i.v;
  for (const i of a.mount) {
    const f = at(of(i));
    if (!f.mount || i.v > f.mount.used) f.mount = { path: i.labels['mountpoint'] ?? '?', used: i.v };
  }
  const worst = (found: readonly LiveValue[], name: string): void => {
    for (const i of found) {
      const f = at(of(i));
      if (!f.pressure || i.v > f.pressure.share) f.pressure = { of: name, share: i.v };
    }
  };
  worst(a.cpuPressure, 'CPU');
  worst(a.memoryPressure, 'memory');
  worst(a.diskPressure, 'disk');
  for (const r of sparks) {
    const values: (number | null)[] = new Array<number | null>(spark.n).fill(null);
    for (const [t, v] of r.points) values[Math.round((t - spark.startS) / spark.stepS)] = v;
    at(r.labels['instance'] ?? '').spark = values.slice(0, spark.n);
  }
  return all;
}

const CLASSES: readonly FindingClass[] = ['none', 'increase', 'decrease', 'upgrade'];

export function kindOf(h: Host): Kind {
  if (h.state === 'silent') return 'silent';
  if (!h.advice) return 'new';
  return CLASSES[h.advice.predicted_class] ?? 'none';
}

const URGENCY: Record<Host['state'], number> = { attention: 0, silent: 1, new: 2, healthy: 3 };

export function fleetRows(hosts: readonly Host[], known: Map<string, Figures>, nowMs: number): Row[] {
  return hosts
    .map(host => ({
      ...known.get(host.name),
      host,
      kind: kindOf(host),
      silentS: Math.max(0, (nowMs - host.last_seen_ms) / 1000),
    }))
    .sort((a, b) => URGENCY[a.host.state] - URGENCY[b.host.state] || a.host.name.localeCompare(b.host.name));
}

export const COUNTED: readonly Kind[] = ['increase', 'decrease', 'upgrade', 'none', 'silent'];

export const countKinds = (rows: readonly Row[]): Record<Kind, number> => {
  const n: Record<Kind, number> = { increase: 0, decrease: 0, upgrade: 0, none: 0, silent: 0, new: 0 };
  for (const r of rows) n[r.kind]++;
  return n;
};

export const filterRows = (rows: readonly Row[], kind: string | undefined, text: string): Row[] =>
  rows.filter(
    r => (!kind || r.kind === kind) && r.host.name.toLowerCase().includes(text.trim().toLowerCase()),
  );

/** The card's sentence in a few words, for a table. */
export function adviceWords(h: Host): string {
  if (!h.advice) return h.analysis ? 'First look under way' : 'Analysis is off';
  const first = h.advice.findings.find(f => f.class !== 'none');
  if (!first) return h.advice.predicted_class === 0 ? 'No change' : h.advice.recommendation;
  if (first.parameter && first.to) {
    const verb = first.class === 'decrease' ? 'Lower' : 'Raise';
    return `${verb} ${first.parameter} to ${first.to}`;
  }
  return first.title;
}
