// What the server says, as docs/API.md has it: each type beside its check.

import {
  type Check,
  anything,
  either,
  flag,
  list,
  nullable,
  num,
  object,
  oneOf,
  record,
  sampleValue,
  text,
} from './check';
import { type Told, told } from './shapes_alerts';

/** Ids are opaque; the server may number or name them. */
const id: Check<string> = (v, at) => String(either(text, num)(v, at));

export type Role = 'viewer' | 'operator' | 'admin';
export interface Session {
  user: string;
  role: Role;
  must_change_password: boolean;
}
export const session = object<Session>({
  user: text,
  role: oneOf<Role>('viewer', 'operator', 'admin'),
  must_change_password: flag,
});

export type PredictedClass = 0 | 1 | 2 | 3;
const predictedClass = oneOf<PredictedClass>(0, 1, 2, 3);

export interface Evidence {
  expr: string;
  text: string;
  value: number | null;
  threshold: number | null;
  unit: string | null;
  window_s: number | null;
}

export type FindingClass = 'increase' | 'decrease' | 'upgrade' | 'none';
export interface Finding {
  id: number | null; // null until it is kept
  rule: string;
  class: FindingClass;
  kind: 'proof' | 'limit' | 'pressure';
  title: string;
  subject: string | null;
  parameter: string | null;
  from: string | null;
  to: string | null;
  sentence: string;
  evidence: Evidence[];
  effect: string | null;
  line: string | null;
  file: string | null;
  /** All lines, when one is not enough; the first is line and file. */
  lines: { line: string; file: string | null }[] | null;
  /** The file that sets the parameter on the host now. */
  set_by: { file: string; value: string } | null;
  command: string | null;
  undo: string | null;
  takes_effect: string | null;
  risk: string | null;
  check: string | null;
  source: string | null;
  confidence: 'high' | 'low';
  since_ms: number;
}
export const finding = object<Finding>({
  id: nullable(num),
  rule: text,
  class: oneOf<FindingClass>('increase', 'decrease', 'upgrade', 'none'),
  kind: oneOf<Finding['kind']>('proof', 'limit', 'pressure'),
  title: text,
  subject: nullable(text),
  parameter: nullable(text),
  from: nullable(text),
  to: nullable(text),
  sentence: text,
  evidence: list(
    object<Evidence>({
      expr: text,
      text: text,
      value: nullable(num),
      threshold: nullable(num),
      unit: nullable(text),
      window_s: nullable(num),
    }),
  ),
  effect: nullable(text),
  line: nullable(text),
  file: nullable(text),
  lines: nullable(list(object({ line: text, file: nullable(text) }))),
  set_by: nullable(object({ file: text, value: text })),
  command: nullable(text),
  undo: nullable(text),
  takes_effect: nullable(text),
  risk: nullable(text),
  check: nullable(text),
  source: nullable(text),
  confidence: oneOf<Finding['confidence']>('high', 'low'),
  since_ms: num,
});

/** A rule that would speak, but may not. */
export interface HeldBack {
  rule: string;
  title: string;
  parameter: string | null;
  why: string;
  until_ms: number | null; // null: for good
}

/** A limit and how much of it is used, 0 to 1. */
export interface Closest {
  rule: string;
  title: string;
  use: number;
}

export interface Analysis {
  id: string | null; // null until its row is written
  at_ms: number;
  preliminary: boolean;
  predicted_class: PredictedClass;
  recommendation: string;
  uncertain: boolean;
  probabilities: number[] | null;
  summary: string;
  checks: number;
  silent: number;
  closest: Closest[];
  findings: Finding[];
  held_back: HeldBack[] | null;
}
export const analysis = object<Analysis>({
  id: nullable(id),
  at_ms: num,
  preliminary: flag,
  predicted_class: predictedClass,
  recommendation: text,
  uncertain: flag,
  probabilities: nullable(list(num)),
  summary: text,
  checks: num,
  silent: num,
  closest: list(object<Closest>({ rule: text, title: text, use: num })),
  findings: list(finding),
  held_back: nullable(
    list(object<HeldBack>({ rule: text, title: text, parameter: nullable(text), why: text, until_ms: nullable(num) })),
  ),
});

export type HostState = 'new' | 'healthy' | 'attention' | 'silent';
export interface Host {
  id: string;
  name: string;
  first_seen_ms: number;
  last_seen_ms: number;
  analysis: boolean;
  state: HostState;
  advice: Analysis | null;
}
export const host = object<Host>({
  id,
  name: text,
  first_seen_ms: num,
  last_seen_ms: num,
  analysis: flag,
  state: oneOf<HostState>('new', 'healthy', 'attention', 'silent'),
  advice: nullable(analysis),
});
export const hosts = object<{ hosts: Host[] }>({ hosts: list(host) });

export interface Result {
  id: string;
  created_at: string;
  server_id: string | null;
  host: string | null;
  predicted_class: PredictedClass;
  recommendation: string;
  data: unknown;
  result: unknown;
}
export interface ResultPage {
  results: Result[];
  next: string | null;
}
export const resultPage = object<ResultPage>({
  results: list(
    object<Result>({
      id,
      created_at: text,
      server_id: nullable(id),
      host: nullable(text),
      predicted_class: predictedClass,
      recommendation: text,
      data: anything,
      result: anything,
    }),
  ),
  next: nullable(text),
});

export interface Summary {
  total: number;
  by_day: { day: string; count: number }[];
  by_recommendation: { predicted_class: PredictedClass; recommendation: string; count: number }[];
}
export const summary = object<Summary>({
  total: num,
  by_day: list(object({ day: text, count: num })),
  by_recommendation: list(object({ predicted_class: predictedClass, recommendation: text, count: num })),
});

export interface JoinToken {
  token: string;
  expires_ms: number;
}
export const joinToken = object<JoinToken>({ token: text, expires_ms: num });

// ---- Prometheus's answers ----

export type Labels = Record<string, string>;
export interface Instant {
  labels: Labels;
  t: number;
  v: number;
}
export interface Range {
  labels: Labels;
  points: [number, number][]; // seconds since 1970, value
}

const pair: Check<[number, number]> = (v, at) => {
  const [t, value] = list(anything)(v, at);
  return [num(t, `${at}[0]`), sampleValue(value, `${at}[1]`)];
};
const labels = record(text);

export const instants: Check<Instant[]> = (v, at) => {
  const { data } = object({ data: object({ resultType: text, result: anything }) })(v, at);
  if (data.resultType === 'scalar') {
    const [t, value] = pair(data.result, `${at}.data.result`);
    return [{ labels: {}, t, v: value }];
  }
  if (data.resultType === 'string') return [];
  const series = list(object({ metric: labels, value: nullable(pair), values: nullable(list(pair)) }));
  return series(data.result, `${at}.data.result`).map(s => {
    const [t, value] = s.value ?? s.values?.at(-1) ?? [0, NaN];
    return { labels: s.metric, t, v: value };
  });
};

export const ranges: Check<Range[]> = (v, at) => {
  const { data } = object({
    data: object({ result: list(object({ metric: labels, values: list(pair) })) }),
  })(v, at);
  return data.result.map(s => ({ labels: s.metric, points: s.values }));
};

// ---- Live messages ----

export interface LiveValue {
  labels: Labels;
  v: number;
}
export type LiveMessage =
  | { op: 'point'; id: number; t_ms: number; values: LiveValue[][] }
  | { op: 'hosts'; hosts: Host[] }
  | { op: 'advice'; host: string; analysis: Analysis }
  | { op: 'notification'; notification: Told }
  | { op: 'error'; id: number | null; detail: string };

/** Null for an `op` this console does not know: a newer server may say more. */
export const liveMessage: Check<LiveMessage | null> = (v, at) => {
  const { op } = object({ op: text })(v, at);
  switch (op) {
    case 'point': {
      const value = object<LiveValue>({ labels, v: (x, a) => (x === null ? NaN : sampleValue(x, a)) });
      return { op, ...object({ id: num, t_ms: num, values: list(list(value)) })(v, at) };
    }
    case 'hosts':
      return { op, ...hosts(v, at) };
    case 'advice':
      return { op, ...object({ host: id, analysis })(v, at) };
    case 'notification':
      return { op, ...object({ notification: told })(v, at) };
    case 'error':
      return { op, ...object({ id: nullable(num), detail: text })(v, at) };
    default:
      return null;
  }
};
