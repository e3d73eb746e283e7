// Alerts and what people do about them; rules, silences, channels, routes.

import { ROOT, address, get, post, put, send } from './api';
import { anything } from './check';
import * as shape from './shapes_alerts';

const id = encodeURIComponent;
const LIST_MOST = 1000;
/** Nobody else changed it meanwhile, else 412. */
const ifStill = (version: number): Record<string, string> => ({ 'If-Match': `"${version}"` });

export const activeAlerts = async (signal?: AbortSignal): Promise<shape.Alert[]> =>
  (await get(ROOT + 'alerts', shape.alerts, { state: 'active', limit: LIST_MOST }, signal)).alerts;
export async function acknowledge(alertId: number, note: string): Promise<void> {
  await send('POST', address(`${ROOT}alerts/${alertId}/acknowledge`), { note });
}
export async function resolve(alertId: number, note: string): Promise<void> {
  await send('POST', address(`${ROOT}alerts/${alertId}/resolve`), { note });
}
export interface HistoryFilter {
  host?: string;
  severity?: string;
  name?: string;
  state?: string; // the kind of event
}
export const history = (f: HistoryFilter, cursor?: string, signal?: AbortSignal): Promise<shape.HistoryPage> =>
  get(ROOT + 'alerts/history', shape.history, { ...f, limit: 100, cursor }, signal);

export const silences = async (signal?: AbortSignal): Promise<shape.Silence[]> =>
  (await get(ROOT + 'silences', shape.silences, {}, signal)).silences;
export async function addSilence(silence: object): Promise<void> {
  await post(ROOT + 'silences', silence, anything);
}
export async function deleteSilence(silenceId: number): Promise<void> {
  await send('DELETE', address(`${ROOT}silences/${silenceId}`));
}

export const rules = (signal?: AbortSignal): Promise<shape.AlertRules> => get(ROOT + 'alert-rules', shape.alertRules, {}, signal);
export interface Changed {
  level?: string;
  instance?: string;
  value?: number;
  clear?: number;
  for?: string;
  disabled?: boolean;
}
export async function changeRule(name: string, changed: Changed): Promise<void> {
  await send('PUT', address(`${ROOT}alert-rules/${id(name)}`), changed);
}
export async function resetRule(o: shape.Override): Promise<void> {
  const which = { level: o.level ?? undefined, instance: o.instance ?? undefined };
  await send('DELETE', address(`${ROOT}alert-rules/${id(o.rule)}`, which));
}
export const presets = async (signal?: AbortSignal): Promise<shape.Preset[]> =>
  (await get(ROOT + 'alert-presets', shape.presets, {}, signal)).presets;
export async function putPreset(name: string): Promise<void> {
  await send('POST', address(`${ROOT}alert-presets/${id(name)}`));
}
export const ruleFiles = async (signal?: AbortSignal): Promise<shape.RuleFile[]> =>
  (await get(ROOT + 'rule-files', shape.ruleFiles, {}, signal)).files;
export async function saveRuleFile(old: shape.RuleFile | null, name: string, text: string): Promise<void> {
  if (old) await put(`${ROOT}rule-files/${old.id}`, { name, text }, anything, ifStill(old.version));
  else await post(ROOT + 'rule-files', { name, text }, anything);
}
export async function deleteRuleFile(fileId: number): Promise<void> {
  await send('DELETE', address(`${ROOT}rule-files/${fileId}`));
}

export const channels = async (signal?: AbortSignal): Promise<shape.Channel[]> =>
  (await get(ROOT + 'channels', shape.channels, {}, signal)).channels;
export interface ChannelForm {
  name: string;
  kind: string;
  enabled: boolean;
  config: Record<string, unknown>;
}
export async function saveChannel(old: shape.Channel | null, form: ChannelForm): Promise<void> {
  if (old) await put(`${ROOT}channels/${old.id}`, form, anything, ifStill(old.version));
  else await post(ROOT + 'channels', form, anything);
}
export async function deleteChannel(channelId: number): Promise<void> {
  await send('DELETE', address(`${ROOT}channels/${channelId}`));
}
export const testChannel = (channelId: number): Promise<shape.Tested> =>
  post(`${ROOT}channels/${channelId}/test`, {}, shape.tested);
export const deliveries = async (channelId: number, signal?: AbortSignal): Promise<shape.Delivery[]> =>
  (await get(`${ROOT}channels/${channelId}/deliveries`, shape.deliveries, { limit: 100 }, signal)).deliveries;

export const routes = (signal?: AbortSignal): Promise<shape.Routes> => get(ROOT + 'routes', shape.routes, {}, signal);
export async function saveRoutes(old: shape.Routes, whole: object): Promise<void> {
  await put(ROOT + 'routes', whole, anything, ifStill(old.version));
}
