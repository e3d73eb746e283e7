// Alerts' pure parts: filters, silences, durations, overrides.

import type { Params } from '../router';
import type { Alert, AlertRule, Hours, Override, Silence } from '../shapes_alerts';
import type { Word } from '../words';

export const TABS = [
  { id: 'active', text: 'Active' },
  { id: 'history', text: 'History' },
  { id: 'silences', text: 'Silences' },
  { id: 'rules', text: 'Rules' },
  { id: 'channels', text: 'Channels' },
  { id: 'routes', text: 'Routes' },
] as const;
export type Tab = (typeof TABS)[number]['id'];
export const tabOf = (p: Params): Tab => TABS.find(t => t.id === p['tab'])?.id ?? 'active';

const SEVERITIES: Record<string, Word> = {
  critical: { text: 'Critical', icon: 'down', tone: 'bad' },
  warning: { text: 'Warning', icon: 'attention', tone: 'warn' },
  info: { text: 'Info', icon: 'silent', tone: 'accent' },
};
export const severityWord = (s: string): Word => SEVERITIES[s] ?? { text: s || 'none', icon: 'silent', tone: 'quiet' };
const WEIGHT: Record<string, number> = { critical: 0, warning: 1, info: 3 };
const weight = (a: Alert): number => (a.state === 'firing' ? 0 : 10) + (WEIGHT[a.severity] ?? 2);

export interface AlertFilter {
  state?: string | undefined;
  severity?: string | undefined;
  host?: string | undefined;
}
/** Firing before pending, the worst first, then the newest. */
export const chosenAlerts = (all: readonly Alert[], f: AlertFilter): Alert[] =>
  all
    .filter(
      a =>
        (!f.state || a.state === f.state) && (!f.severity || a.severity === f.severity) && (!f.host || a.host === f.host),
    )
    .sort((a, b) => weight(a) - weight(b) || b.active_ms - a.active_ms || b.id - a.id);

export const firing = (all: readonly Alert[] | undefined): Alert[] => (all ?? []).filter(a => a.state === 'firing');

// ---- matchers: name="value", !=, =~, !~ ----

export interface Matcher {
  name: string;
  op: '=' | '!=' | '=~' | '!~';
  value: string;
}

export function parseMatcher(text: string): Matcher | null {
  const m = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*$/.exec(text);
  if (!m) return null;
  try {
    return { name: m[1]!, op: m[2] as Matcher['op'], value: JSON.parse(m[3]!) as string };
  } catch {
    return null;
  }
}

export const matcherText = (name: string, value: string): string => `${name}=${JSON.stringify(value)}`;

function fits(m: Matcher, labels: Record<string, string>): boolean {
  const v = labels[m.name] ?? '';
  if (m.op === '=' || m.op === '!=') return (v === m.value) === (m.op === '=');
  try {
    return new RegExp(`^(?:${m.value})$`, 's').test(v) === (m.op === '=~');
  } catch {
    return false;
  }
}

/** False also for what cannot be read: then nothing is said to be silent. */
export const allFit = (matchers: readonly string[], labels: Record<string, string>): boolean =>
  matchers.every(text => {
    const m = parseMatcher(text);
    return m !== null && fits(m, labels);
  });

// ---- silences ----

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function clockIn(zone: string, ms: number): { day: string; time: string } | null {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(ms);
    const of = (type: string): string => parts.find(p => p.type === type)?.value ?? '';
    return { day: of('weekday').toLowerCase(), time: `${of('hour')}:${of('minute')}` };
  } catch {
    return null; // a zone that this browser does not know
  }
}

/** A window over midnight belongs to the day it begins. */
export function withinHours(h: Hours, ms: number): boolean {
  const now = clockIn(h.zone ?? 'UTC', ms);
  if (!now) return false;
  const on = (day: string): boolean => !h.days || h.days.includes(day);
  const before = DAYS[(DAYS.indexOf(now.day as (typeof DAYS)[number]) + 6) % 7]!;
  if (h.from < h.to) return on(now.day) && now.time >= h.from && now.time < h.to;
  return (on(now.day) && now.time >= h.from) || (on(before) && now.time < h.to);
}

export type SilenceState = 'active' | 'coming' | 'over';
export function silenceState({ silence: s }: Silence, ms: number): SilenceState {
  if (s.ends_ms && s.ends_ms <= ms) return 'over';
  if ((s.starts_ms ?? 0) > ms || (s.recurrence && !withinHours(s.recurrence, ms))) return 'coming';
  return 'active';
}

export const hoursText = (h: Hours): string =>
  `${h.days?.length ? h.days.join(', ') : 'every day'} ${h.from} to ${h.to} ${h.zone ?? 'UTC'}`;

// ---- rules ----

/** Seconds as a rule writes them: 300 is "5m", 90 is "90s", 0 is "0s". */
export function durationText(s: number): string {
  for (const [size, unit] of [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm'],
  ] as const)
    if (s >= size && s % size === 0) return s / size + unit;
  return s + 's';
}

export interface RuleLevels {
  name: string;
  group: string;
  levels: AlertRule[];
  overrides: Override[];
}

/** Alerting rules by name, a level each, with what people changed. */
export function rulesByName(rules: readonly AlertRule[], overrides: readonly Override[], text: string): RuleLevels[] {
  const found = new Map<string, RuleLevels>();
  const needle = text.trim().toLowerCase();
  for (const r of rules) {
    if (r.type !== 'alerting' || !`${r.name} ${r.group} ${r.query}`.toLowerCase().includes(needle)) continue;
    const at = found.get(r.name) ?? { name: r.name, group: r.group, levels: [], overrides: overrides.filter(o => o.rule === r.name) };
    at.levels.push(r);
    found.set(r.name, at);
  }
  return [...found.values()];
}

export function overrideText(o: Override): string {
  const what = [
    o.disabled ? 'off' : '',
    o.value !== null ? `fires at ${o.value}` : '',
    o.clear !== null ? `clears at ${o.clear}` : '',
    o.for !== null ? `for ${o.for}` : '',
  ].filter(Boolean);
  return `${o.level ?? 'every level'}, ${o.instance || 'all hosts'}: ${what.join(', ') || 'as the rule says'}`;
}

/** A number as typed; undefined for an empty field, null for what is no number. */
export function typedNumber(text: string): number | undefined | null {
  if (text.trim() === '') return undefined;
  const n = Number(text.trim().replace(',', '.'));
  return Number.isFinite(n) ? n : null;
}

export const lines = (text: string): string[] =>
  text
    .split('\n')
    .map(l => l.trim())
    .filter(Boolean);
export const listed = (text: string): string[] =>
  text
    .split(',')
    .map(l => l.trim())
    .filter(Boolean);

// ---- channels ----

export interface Field {
  name: string;
  text: string;
  type: 'text' | 'secret' | 'list' | 'number' | 'tls';
  needed?: boolean;
}
const URL_FIELD: Field = { name: 'url', text: 'Address (https)', type: 'secret', needed: true };
export const CHANNEL_KINDS: Record<string, readonly Field[]> = {
  email: [
    { name: 'host', text: 'SMTP server', type: 'text', needed: true },
    { name: 'port', text: 'Port (587 without)', type: 'number' },
    { name: 'tls', text: 'Encryption', type: 'tls' },
    { name: 'user', text: 'User', type: 'text' },
    { name: 'password', text: 'Password', type: 'secret' },
    { name: 'from', text: 'From', type: 'text', needed: true },
    { name: 'to', text: 'To (with commas between)', type: 'list', needed: true },
    { name: 'subject_prefix', text: 'Begin of the subject', type: 'text' },
    { name: 'ca_file', text: 'File of certificates on the server', type: 'text' },
  ],
  slack: [URL_FIELD],
  teams: [URL_FIELD],
  webhook: [
    URL_FIELD,
    { name: 'secret', text: 'Secret that signs', type: 'secret' },
    { name: 'bearer', text: 'Bearer token', type: 'secret' },
    { name: 'ca_file', text: 'File of certificates on the server', type: 'text' },
  ],
  sms: [
    { name: 'account', text: 'Twilio account', type: 'text', needed: true },
    { name: 'token', text: 'Token', type: 'secret', needed: true },
    { name: 'from', text: 'From', type: 'text', needed: true },
    { name: 'to', text: 'To (with commas between)', type: 'list', needed: true },
  ],
  alertmanager: [URL_FIELD],
  browser: [],
  script: [{ name: 'name', text: "Program in the server's alerts.scripts", type: 'text', needed: true }],
};

const fieldsOf = (kind: string): readonly Field[] => CHANNEL_KINDS[kind] ?? [];

/** The form's texts; a secret that is set is shown as an empty field. */
export function channelTexts(kind: string, config: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    fieldsOf(kind).map(f => {
      const v = config[f.name];
      if (f.type === 'secret' || v === undefined || v === null) return [f.name, ''];
      return [f.name, Array.isArray(v) ? v.join(', ') : String(v)];
    }),
  );
}

/** Back to a config: an empty secret keeps the one that is there, what the form does not know stays. */
export function channelConfig(kind: string, texts: Record<string, string>, old: Record<string, unknown>): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const f of fieldsOf(kind)) {
    const text = (texts[f.name] ?? '').trim();
    if (f.type === 'secret' && !text) {
      if (old[f.name] !== undefined) config[f.name] = old[f.name];
    } else if (text) config[f.name] = f.type === 'list' ? listed(text) : f.type === 'number' ? Number(text) : text;
  }
  return config;
}
