// Backups of everything: made while all goes on, downloaded as one file, deleted after a question.

import { useState } from 'preact/hooks';
import * as api from '../api_data';
import { act, useReading } from '../reading';
import type { Backup } from '../shapes_data';
import { isAdmin, session, useCell } from '../store';
import { bytes, dateTime, short } from '../units';
import { Confirm } from './dialog';
import { Failed, Forbidden, Loading } from './faces';
import { Icon } from './icon';

function List({ onChanged, all }: { all: readonly Backup[]; onChanged: () => void }) {
  const [doomed, setDoomed] = useState<Backup | null>(null);
  const remove = async (b: Backup): Promise<void> => {
    if (await act(() => api.deleteBackup(b.id), 'Backup deleted.')) onChanged();
  };
  return (
    <>
      <ul class="rows">
        {all.map(b => (
          <li key={b.id} data-backup={b.id}>
            <span class="grow-1">
              {dateTime(b.at_ms)}
              <span class="note"> {bytes(b.bytes)}, {short(b.samples)} samples, version {b.version}</span>
            </span>
            <a class="button small" href={api.backupAddress(b.id)} download={`galen-${b.id}.tar`}>
              Download
            </a>
            <button type="button" class="ghost" title="Delete" aria-label={`Delete the backup of ${dateTime(b.at_ms)}`} onClick={() => setDoomed(b)}>
              <Icon name="trash" />
            </button>
          </li>
        ))}
      </ul>
      {doomed && (
        <Confirm
          title="Delete this backup?"
          text={`The backup of ${dateTime(doomed.at_ms)} (${bytes(doomed.bytes)}) will be gone for good. What is stored now stays.`}
          act="Delete"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}

function Own() {
  const list = useReading(api.backups, 'backups');
  const [busy, setBusy] = useState(false);
  const make = async (): Promise<void> => {
    setBusy(true);
    await act(api.makeBackup, b => `Backup made: ${bytes(b.bytes)}.`);
    setBusy(false);
    list.again();
  };
  const all = list.value && [...list.value].sort((a, b) => b.at_ms - a.at_ms);
  return (
    <>
      <div class="acts">
        <button type="button" disabled={busy} onClick={() => void make()}>
          {busy ? 'Making a backup' : 'Make a backup'}
        </button>
      </div>
      {list.failed && <Failed err={list.failed} retry={list.again} />}
      {!list.failed && !all && <Loading what="Reading the backups" height={60} />}
      {all?.length === 0 && <p class="note">No backup yet. One holds samples, results, users and settings.</p>}
      {all && all.length > 0 && <List all={all} onChanged={list.again} />}
    </>
  );
}

export function Backups() {
  const admin = isAdmin(useCell(session));
  return (
    <section class="card" data-part="backups">
      <h2>Backups</h2>
      <p class="muted">Kept below backups/ in the server's data directory: download them to have them elsewhere.</p>
      {admin ? <Own /> : <Forbidden what="make and read backups" role="admin" />}
    </section>
  );
}
