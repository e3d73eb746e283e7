// Nobody is told while matchers fit: for some hours from now, or in a window that recurs.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { lines } from '../../model/alerts';
import { serverTime, toast } from '../../store';
import { FormDialog } from '../form_dialog';
import { HoursFields, usualHours } from './hours_fields';

const SPANS: readonly { hours: number; text: string }[] = [
  { hours: 1, text: '1 hour' },
  { hours: 4, text: '4 hours' },
  { hours: 24, text: '1 day' },
  { hours: 72, text: '3 days' },
  { hours: 168, text: '1 week' },
  { hours: 0, text: 'Every week, in a window' },
];

interface Props {
  matchers: readonly string[];
  onDone: () => void;
  onClose: () => void;
}

export function SilenceDialog(p: Props) {
  const [matchers, setMatchers] = useState(p.matchers.join('\n'));
  const [span, setSpan] = useState(4);
  const [comment, setComment] = useState('');
  const [hours, setHours] = useState(usualHours);
  const save = async (): Promise<void> => {
    const nowMs = serverTime.nowMs();
    const when = span ? { ends_ms: Math.round(nowMs + span * 3_600_000) } : { recurrence: hours };
    await api.addSilence({ matchers: lines(matchers), starts_ms: Math.round(nowMs), comment, ...when });
    toast('Silence begun.');
    p.onDone();
  };
  return (
    <FormDialog title="Silence" act="Silence" onSave={save} onClose={p.onClose}>
      <label>
        Labels that must fit, one a line: name="value", =~ and !~ with a pattern
        <textarea class="mono" name="matchers" rows={4} required value={matchers} onInput={e => setMatchers(e.currentTarget.value)} />
      </label>
      <label>
        For
        <select name="span" value={String(span)} onChange={e => setSpan(Number(e.currentTarget.value))}>
          {SPANS.map(s => (
            <option key={s.hours} value={String(s.hours)}>
              {s.text}
            </option>
          ))}
        </select>
      </label>
      {span === 0 && <HoursFields hours={hours} onChange={setHours} />}
      <label>
        Comment
        <input name="comment" value={comment} onInput={e => setComment(e.currentTarget.value)} />
      </label>
    </FormDialog>
  );
}
