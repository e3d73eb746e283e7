// What the server says about alerts: docs/API.md, Alerts.

import { anything, either, flag, list, nullable, num, object, oneOf, record, text } from './check';

export type AlertState = 'pending' | 'firing' | 'resolved';
export interface Alert {
  id: number;
  name: string;
  host: string;
  severity: string;
  state: AlertState;
  value: number | null; // null: not a number
  active_ms: number;
  fired_ms: number;
  resolved_ms: number;
  acknowledged_by: string;
  acknowledged_ms: number;
  note: string;
  silenced_by: number | null;
  inhibited_by: number | null;
  group: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
const alert = object<Alert>({
  id: num,
  name: text,
  host: text,
  severity: text,
  state: oneOf<AlertState>('pending', 'firing', 'resolved'),
  value: nullable(num),
  active_ms: num,
  fired_ms: num,
  resolved_ms: num,
  acknowledged_by: text,
  acknowledged_ms: num,
  note: text,
  silenced_by: nullable(num),
  inhibited_by: nullable(num),
  group: text,
  labels: record(text),
  annotations: record(text),
});
export const alerts = object<{ alerts: Alert[]; next: string | null }>({ alerts: list(alert), next: nullable(text) });

export interface AlertEvent {
  id: number;
  alert_id: number;
  at_ms: number;
  who: string;
  what: string;
  note: string;
  name: string;
  host: string;
  severity: string;
}
export interface HistoryPage {
  history: AlertEvent[];
  next: string | null;
}
export const history = object<HistoryPage>({
  history: list(
    object<AlertEvent>({
      id: num,
      alert_id: num,
      at_ms: num,
      who: text,
      what: text,
      note: text,
      name: text,
      host: text,
      severity: text,
    }),
  ),
  next: nullable(text),
});

export interface Preset {
  name: string;
  text: string;
}
export const presets = object<{ presets: Preset[] }>({ presets: list(object<Preset>({ name: text, text })) });

/** When something holds, by the clock of a zone. */
export interface Hours {
  days: string[] | null; // null: every day
  from: string;
  to: string;
  zone: string | null;
}
const hours = object<Hours>({ days: nullable(list(text)), from: text, to: text, zone: nullable(text) });

export interface Silence {
  id: number;
  version: number;
  changed_by: string;
  changed_ms: number;
  silence: {
    matchers: string[];
    starts_ms: number | null;
    ends_ms: number | null;
    comment: string | null;
    created_by: string | null;
    recurrence: Hours | null;
  };
}
export const silences = object<{ silences: Silence[] }>({
  silences: list(
    object<Silence>({
      id: num,
      version: num,
      changed_by: text,
      changed_ms: num,
      silence: object<Silence['silence']>({
        matchers: list(text),
        starts_ms: nullable(num),
        ends_ms: nullable(num),
        comment: nullable(text),
        created_by: nullable(text),
        recurrence: nullable(hours),
      }),
    }),
  ),
});

export interface Threshold {
  level: string;
  when: 'above' | 'below';
  value: number;
  clear: number;
  unit: string;
}
export interface AlertRule {
  name: string;
  group: string;
  file: string;
  type: string;
  query: string;
  for_s: number;
  keep_firing_for_s: number;
  threshold: Threshold | null;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
/** What people chose instead of what the rule says. */
export interface Override {
  rule: string;
  level: string | null; // null: all levels
  instance: string | null; // null: all hosts
  value: number | null;
  clear: number | null;
  for: string | null;
  disabled: boolean | null;
}
export interface AlertRules {
  rules: AlertRule[];
  overrides: Override[];
}
export const alertRules = object<AlertRules>({
  rules: list(
    object<AlertRule>({
      name: text,
      group: text,
      file: text,
      type: text,
      query: text,
      for_s: num,
      keep_firing_for_s: num,
      threshold: nullable(
        object<Threshold>({ level: text, when: oneOf('above', 'below'), value: num, clear: num, unit: text }),
      ),
      labels: record(text),
      annotations: record(text),
    }),
  ),
  overrides: list(
    object<Override>({
      rule: text,
      level: nullable(text),
      instance: nullable(text),
      value: nullable(num),
      clear: nullable(num),
      for: nullable(text),
      disabled: nullable(flag),
    }),
  ),
});

export interface RuleFile {
  id: number;
  version: number;
  name: string;
  changed_by: string;
  changed_ms: number;
  text: string;
}
export const ruleFiles = object<{ files: RuleFile[] }>({
  files: list(object<RuleFile>({ id: num, version: num, name: text, changed_by: text, changed_ms: num, text })),
});

export interface Channel {
  id: number;
  version: number;
  name: string;
  changed_by: string;
  changed_ms: number;
  kind: string;
  enabled: boolean;
  config: Record<string, unknown>; // secrets are {"set":true}
}
export const channels = object<{ channels: Channel[] }>({
  channels: list(
    object<Channel>({
      id: num,
      version: num,
      name: text,
      changed_by: text,
      changed_ms: num,
      kind: text,
      enabled: flag,
      config: record(anything),
    }),
  ),
});
export interface Tested {
  sent: boolean;
  error: string | null;
}
export const tested = object<Tested>({ sent: flag, error: nullable(text) });

export interface Delivery {
  id: number;
  group: string;
  state: string;
  attempts: number;
  created_ms: number;
  next_ms: number;
  done_ms: number;
  error: string;
}
export const deliveries = object<{ deliveries: Delivery[]; next: string | null }>({
  deliveries: list(
    object<Delivery>({
      id: num,
      group: text,
      state: text,
      attempts: num,
      created_ms: num,
      next_ms: num,
      done_ms: num,
      error: text,
    }),
  ),
  next: nullable(text),
});

export interface Route {
  name: string | null;
  matchers: string[] | null;
  channels: string[] | null;
  continue: boolean | null;
  hours: Hours | null;
}
const route = object<Route>({
  name: nullable(text),
  matchers: nullable(list(text)),
  channels: nullable(list(text)),
  continue: nullable(flag),
  hours: nullable(hours),
});
export interface Inhibition {
  source: string[];
  target: string[];
  equal: string[] | null;
}
export interface Summary {
  at: string;
  zone: string | null;
  channels: string[] | null;
}
export interface Routing {
  routes: Route[] | null;
  channels: string[] | null;
  inhibit: Inhibition[] | null;
  summary: Summary | null;
}
const routing = object<Routing>({
  routes: nullable(list(route)),
  channels: nullable(list(text)),
  inhibit: nullable(list(object<Inhibition>({ source: list(text), target: list(text), equal: nullable(list(text)) }))),
  summary: nullable(object<Summary>({ at: text, zone: nullable(text), channels: nullable(list(text)) })),
});
export interface Routes {
  version: number;
  default: boolean;
  routes: Routing;
  /** All of it, with the members that this console does not show: what a change starts from. */
  whole: Record<string, unknown>;
}
export const routes = (v: unknown, at: string): Routes => ({
  ...object({ version: num, default: flag, routes: routing })(v, at),
  whole: object({ routes: record(anything) })(v, at).routes,
});

/** A message for people at an open console: Alertmanager's webhook JSON. */
export interface Told {
  status: string;
  groupKey: string | null;
  alerts: { status: string; labels: Record<string, string>; annotations: Record<string, string> }[];
}
const texts = record(either(text, (v: unknown) => String(v)));
export const told = object<Told>({
  status: text,
  groupKey: nullable(text),
  alerts: list(object({ status: text, labels: texts, annotations: texts })),
});
