// What is stored: how much, cleaning up, checking, backups, export.

import { ROOT, address, get, post, send } from './api';
import * as shape from './shapes_data';

const id = encodeURIComponent;

export const storage = (signal?: AbortSignal): Promise<shape.Storage> => get(ROOT + 'storage', shape.storage, {}, signal);
export const checkData = (): Promise<shape.DataCheck> => get(ROOT + 'storage/check', shape.dataCheck);
export const cleanUp = (olderThan: string): Promise<shape.CleanedUp> =>
  post(ROOT + 'storage/clean-up', { older_than: olderThan }, shape.cleanedUp);
export async function deleteHost(hostId: string): Promise<void> {
  await send('DELETE', address(`${ROOT}hosts/${id(hostId)}`));
}

export const backups = async (signal?: AbortSignal): Promise<shape.Backup[]> =>
  (await get(ROOT + 'backups', shape.backups, {}, signal)).backups;
export const makeBackup = (): Promise<shape.Backup> => post(ROOT + 'backup', {}, shape.backup);
export const backupAddress = (backupId: string): string => address(`${ROOT}backups/${id(backupId)}`);
export async function deleteBackup(backupId: string): Promise<void> {
  await send('DELETE', address(`${ROOT}backups/${id(backupId)}`));
}

export interface ExportOf {
  match: string; // "": every series
  startS: number;
  endS: number;
}
const EVERY = '{__name__!=""}';

/** How many series that is, counted up to a limit. A selector that is none fails in words. */
export async function countSeries(of: ExportOf, limit: number, signal?: AbortSignal): Promise<number> {
  const found = await get(
    'api/v1/series',
    shape.seriesFound,
    { 'match[]': of.match || EVERY, start: of.startS, end: of.endS, limit },
    signal,
  );
  return found.data.length;
}
export const exportAddress = (of: ExportOf, format: string): string =>
  address(ROOT + 'export', { 'match[]': of.match, start: of.startS, end: of.endS, format });
