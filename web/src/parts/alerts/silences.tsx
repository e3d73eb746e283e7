// Silences: what is quiet now, what will be, what was; each ends when a person says so.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { hoursText, silenceState } from '../../model/alerts';
import { act, useReading } from '../../reading';
import type { Silence } from '../../shapes_alerts';
import { isOperator, serverTime, session, useCell } from '../../store';
import { dateTime } from '../../units';
import { Confirm } from '../dialog';
import { Empty, Failed, Forbidden, Loading } from '../faces';
import { Icon } from '../icon';
import { SilenceDialog } from './silence_dialog';

function whenText({ silence: s }: Silence): string {
  if (s.recurrence) return hoursText(s.recurrence) + (s.ends_ms ? `, until ${dateTime(s.ends_ms)}` : '');
  return s.ends_ms ? `until ${dateTime(s.ends_ms)}` : 'without end';
}

export function Silences() {
  const list = useReading(api.silences, 'silences', { everyMs: 30_000 });
  const operator = isOperator(useCell(session));
  const [adding, setAdding] = useState(false);
  const [doomed, setDoomed] = useState<Silence | null>(null);
  const nowMs = serverTime.nowMs();
  const end = async (s: Silence): Promise<void> => {
    if (await act(() => api.deleteSilence(s.id), 'Silence ended.')) list.again();
  };
  const rows = list.value && [...list.value].sort((a, b) => b.id - a.id);
  return (
    <>
      {operator ? (
        <div class="acts">
          <button type="button" onClick={() => setAdding(true)}>
            Silence something
          </button>
        </div>
      ) : (
        <Forbidden what="silence alerts" role="operator" />
      )}
      {list.failed && <Failed err={list.failed} retry={list.again} />}
      {!list.failed && !rows && <Loading what="Reading the silences" />}
      {rows?.length === 0 && <Empty>Nothing is silenced.</Empty>}
      <ul class="alerts">
        {rows?.map(s => (
          <li key={s.id} class="card alert" data-silence={s.id}>
            <div class="what">
              <span class="chip">{silenceState(s, nowMs)}</span>
              <span class="mono grow-1">{s.silence.matchers.join(', ')}</span>
              {operator && (
                <button type="button" class="ghost" title="End" aria-label="End this silence" onClick={() => setDoomed(s)}>
                  <Icon name="trash" />
                </button>
              )}
            </div>
            {s.silence.comment && <p>{s.silence.comment}</p>}
            <p class="note">
              {whenText(s)}, by {s.changed_by}
            </p>
          </li>
        ))}
      </ul>
      {adding && <SilenceDialog matchers={[]} onDone={list.again} onClose={() => setAdding(false)} />}
      {doomed && (
        <Confirm
          title="End this silence?"
          text={`Alerts with ${doomed.silence.matchers.join(', ')} are told again.`}
          act="End silence"
          onYes={() => void end(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}
