// What the console asks about advice: findings, changes, profiles, rules, model; and imports.

import { ROOT, address, get, post, read, send } from './api';
import * as shape from './shapes_advice';

export interface FindingFilter {
  state?: string | undefined;
  host?: string | undefined;
}
export const findings = (f: FindingFilter, cursor?: string, signal?: AbortSignal): Promise<shape.KeptPage> =>
  get(ROOT + 'findings', shape.keptPage, { state: f.state, host: f.host, limit: 200, cursor }, signal);
export const finding = (id: number, signal?: AbortSignal): Promise<shape.Kept> =>
  get(`${ROOT}findings/${id}`, shape.kept, {}, signal);

const act = async (id: number, what: string, body?: unknown): Promise<void> =>
  void (await send('POST', address(`${ROOT}findings/${id}/${what}`), body));
export const applied = (id: number): Promise<void> => act(id, 'applied');
export const dismiss = (id: number): Promise<void> => act(id, 'dismiss');
export const reopen = (id: number): Promise<void> => act(id, 'reopen');
export const judge = (id: number, verdict: 'useful' | 'wrong' | null): Promise<void> => act(id, 'verdict', { verdict });

export const changes = async (
  host: string,
  fromMs?: number,
  toMs?: number,
  signal?: AbortSignal,
): Promise<shape.Change[]> =>
  (await get(ROOT + 'changes', shape.changes, { host, from: fromMs, to: toMs, limit: 200 }, signal)).changes;

export const audits = async (hostId: string, signal?: AbortSignal): Promise<shape.Audit[]> =>
  (await get(`${ROOT}hosts/${encodeURIComponent(hostId)}/profiles`, shape.audits, {}, signal)).profiles;
export const profiles = async (signal?: AbortSignal): Promise<shape.Profile[]> =>
  (await get(ROOT + 'profiles', shape.profiles, {}, signal)).profiles;

export const model = (signal?: AbortSignal): Promise<shape.Model> => get(ROOT + 'model', shape.model, {}, signal);
export const rules = (signal?: AbortSignal) => get(ROOT + 'rules/advice', shape.rules, {}, signal);
export const reloadRules = (): Promise<{ rules: number }> => post(ROOT + 'rules/reload', undefined, shape.reloaded);
export const version = async (signal?: AbortSignal): Promise<string> =>
  (await get(ROOT + 'openapi.json', shape.about, {}, signal)).info.version;

export interface ImportOptions {
  dryRun: boolean;
  host: string; // the label instance of series without one; "": none
}
/** Bad lines are left out; the answer names them. */
export async function importFile(file: Blob, o: ImportOptions): Promise<shape.Imported> {
  const url = address(ROOT + 'import', {
    skip_bad: 1,
    dry_run: o.dryRun ? 1 : undefined,
    label: o.host && `instance=${o.host}`,
  });
  return read(await send('POST', url, file), shape.imported);
}
