// Days, from, to and zone: of a recurring silence and of a route's office hours.

import { DAYS } from '../../model/alerts';
import type { Hours } from '../../shapes_alerts';

export const usualHours = (): Hours => ({
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '08:00',
  to: '18:00',
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
});

export function HoursFields({ hours, onChange }: { hours: Hours; onChange: (h: Hours) => void }) {
  const days = hours.days ?? [...DAYS];
  return (
    <fieldset class="form">
      <legend>Days and times (over midnight belongs to the day it begins)</legend>
      <div class="acts">
        {DAYS.map(d => (
          <label class="check" key={d}>
            <input
              type="checkbox"
              name={`day-${d}`}
              checked={days.includes(d)}
              onChange={e =>
                onChange({ ...hours, days: DAYS.filter(x => (x === d ? e.currentTarget.checked : days.includes(x))) })
              }
            />
            {d}
          </label>
        ))}
      </div>
      <div class="filters">
        {(['from', 'to'] as const).map(name => (
          <label key={name}>
            {name === 'from' ? 'From' : 'To'}
            <input type="time" name={`hours-${name}`} required value={hours[name]} onInput={e => onChange({ ...hours, [name]: e.currentTarget.value })} />
          </label>
        ))}
        <label>
          Zone
          <input name="zone" required value={hours.zone ?? 'UTC'} onInput={e => onChange({ ...hours, zone: e.currentTarget.value })} />
        </label>
      </div>
    </fieldset>
  );
}
