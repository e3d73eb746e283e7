// The alerts that are not over, for every page: the badge, rows of hosts, the page Alerts. Read
// again every 15 s, after an act, and when the server tells of one; a browser that a person
// allowed to shows it.

import * as api from './api_alerts';
import type { Alert } from './shapes_alerts';
import { cell, remember, remembered, told } from './store';

const REREAD_MS = 15_000;

/** undefined: not read yet. */
export const activeAlerts = cell<Alert[] | undefined>(undefined);
export const alertsFailed = cell<Error | null>(null);

export async function rereadAlerts(): Promise<void> {
  try {
    activeAlerts.set(await api.activeAlerts());
    alertsFailed.set(null);
  } catch (e) {
    alertsFailed.set(e instanceof Error ? e : new Error(String(e)));
  }
}

/** Reads until the returned function is called. */
export function alertsFeed(): () => void {
  void rereadAlerts();
  const timer = setInterval(() => !document.hidden && void rereadAlerts(), REREAD_MS);
  const off = told.on(m => {
    void rereadAlerts();
    if (m) show(m);
  });
  return () => {
    clearInterval(timer);
    off();
    activeAlerts.set(undefined);
  };
}

// ---- notifications of the browser ----

const supported = (): boolean => 'Notification' in globalThis;
export const notifying = cell(remembered('notify') === 'on');

export type Allowance = 'on' | 'off' | 'refused' | 'unsupported';
export function allowance(): Allowance {
  if (!supported()) return 'unsupported';
  if (Notification.permission === 'denied') return 'refused';
  return notifying.get() && Notification.permission === 'granted' ? 'on' : 'off';
}

/** By a click only: browsers ignore, and people resent, a question that nobody caused. */
export async function setNotifying(on: boolean): Promise<void> {
  const granted = on && supported() && (await Notification.requestPermission()) === 'granted';
  notifying.set(granted);
  remember('notify', granted ? 'on' : 'off');
}

function show(m: NonNullable<ReturnType<typeof told.get>>): void {
  if (allowance() !== 'on') return;
  const first = m.alerts[0];
  if (!first) return;
  const more = m.alerts.length > 1 ? ` and ${m.alerts.length - 1} more` : '';
  const title = `${m.status === 'resolved' ? 'Resolved' : 'Firing'}: ${first.labels['alertname'] ?? 'alert'}${more}`;
  new Notification(title, { body: first.annotations['summary'] ?? '', tag: m.groupKey ?? title });
}
