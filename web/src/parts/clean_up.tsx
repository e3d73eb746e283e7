// Space comes back: samples older than a day, a week or a month go after a question that says
// which.

import { useState } from 'preact/hooks';
import { cleanUp } from '../api_data';
import { CLEAN_UPS, going } from '../model/data';
import { act } from '../reading';
import type { Storage } from '../shapes_data';
import { isAdmin, serverTime, session, useCell } from '../store';
import { bytes, dateTime, short } from '../units';
import { Confirm } from './dialog';
import { Forbidden } from './faces';

export function CleanUp({ storage, onDone }: { storage: Storage; onDone: () => void }) {
  const admin = isAdmin(useCell(session));
  const [chosen, setChosen] = useState<(typeof CLEAN_UPS)[number] | null>(null);
  const nowMs = serverTime.nowMs();
  const run = async (id: string): Promise<void> => {
    const said = await act(
      () => cleanUp(id),
      r => (r.samples ? `${r.samples.toLocaleString('en')} samples are gone, ${bytes(r.bytes)} came back.` : 'Nothing was that old.'),
    );
    if (said) onDone();
  };
  const goes = chosen && going(storage, chosen.days, nowMs);
  return (
    <section class="card" data-part="clean-up">
      <h2>Clean up</h2>
      <p class="muted">Delete the samples of all hosts that are older than</p>
      {admin ? (
        <div class="acts">
          {CLEAN_UPS.map(c => {
            const g = going(storage, c.days, nowMs);
            return (
              <button
                type="button"
                key={c.id}
                disabled={g.fromMs === null}
                title={g.fromMs === null ? 'No sample is that old' : undefined}
                onClick={() => setChosen(c)}
              >
                {c.text}
              </button>
            );
          })}
        </div>
      ) : (
        <Forbidden what="delete samples" role="admin" />
      )}
      <p class="note">The oldest sample is from {dateTime(storage.totals.first_ms)}. Results, advice and events stay.</p>
      {chosen && goes && goes.fromMs !== null && (
        <Confirm
          title={`Delete samples older than ${chosen.text}?`}
          text={
            `Samples from ${dateTime(goes.fromMs)} to ${dateTime(goes.beforeMs)} of ${goes.hosts} ` +
            `${goes.hosts === 1 ? 'host' : 'hosts'} go for good: about ${short(goes.samples)} of ` +
            `${short(storage.totals.samples)}. Results, advice and events stay, and so do backups.`
          }
          act="Delete samples"
          onYes={() => void run(chosen.id)}
          onClose={() => setChosen(null)}
        />
      )}
    </section>
  );
}
