// What the console asks about one host's agent: settings, processes, services, inventory.

import { ROOT, address, get, put, send } from './api';
import * as shape from './shapes_host';

const of = (hostId: string, what: string): string => `${ROOT}hosts/${encodeURIComponent(hostId)}/${what}`;

export const settings = (hostId: string, signal?: AbortSignal): Promise<shape.AgentSettings> =>
  get(of(hostId, 'settings'), shape.agentSettings, {}, signal);
/** Fails with 412 when somebody changed them since `version` was read, with 422 and its fields. */
export const saveSettings = (hostId: string, version: number, to: shape.Settings): Promise<shape.AgentSettings> =>
  put(of(hostId, 'settings'), to, shape.agentSettings, { 'If-Match': `"${version}"` });
export const presets = async (): Promise<shape.Preset[]> => (await get(ROOT + 'presets', shape.presets)).presets;

/** The last snapshot from atMs or before; without it, the newest. */
export const processes = (hostId: string, atMs?: number, signal?: AbortSignal): Promise<shape.Snapshot> =>
  get(of(hostId, 'processes'), shape.snapshot, { at: atMs }, signal);
export async function askProcesses(hostId: string): Promise<void> {
  await send('POST', address(of(hostId, 'processes')));
}
export const services = (hostId: string, signal?: AbortSignal): Promise<shape.Services> =>
  get(of(hostId, 'services'), shape.services, {}, signal);
export const inventory = (hostId: string, signal?: AbortSignal): Promise<shape.Inventory> =>
  get(of(hostId, 'inventory'), shape.inventory, {}, signal);
