// One route: which alerts go to which channels, always or in office hours.

import { useState } from 'preact/hooks';
import { lines, listed } from '../../model/alerts';
import type { Hours, Route } from '../../shapes_alerts';
import { FormDialog } from '../form_dialog';
import { HoursFields, usualHours } from './hours_fields';

/** What the form knows; other members of a route stay as they are. */
export interface RouteForm {
  name: string;
  matchers: string[];
  channels: string[];
  continue: boolean;
  hours: Hours | undefined;
}

interface Props {
  route: Route | null;
  onSave: (form: RouteForm) => Promise<void>; // throws what failed
  onClose: () => void;
}

export function RouteDialog({ route, onSave, onClose }: Props) {
  const [name, setName] = useState(route?.name ?? '');
  const [matchers, setMatchers] = useState((route?.matchers ?? []).join('\n'));
  const [channels, setChannels] = useState((route?.channels ?? ['*']).join(', '));
  const [goOn, setGoOn] = useState(route?.continue ?? false);
  const [hours, setHours] = useState<Hours | undefined>(route?.hours ?? undefined);
  const save = async (): Promise<void> => {
    await onSave({ name: name.trim(), matchers: lines(matchers), channels: listed(channels), continue: goOn, hours });
  };
  return (
    <FormDialog title={route ? `Route ${route.name ?? ''}` : 'New route'} act="Save" onSave={save} onClose={onClose}>
      <label>
        Name
        <input name="name" required value={name} onInput={e => setName(e.currentTarget.value)} />
      </label>
      <label>
        Labels that must fit, one a line: severity="critical" (none: every alert)
        <textarea class="mono" name="matchers" rows={3} value={matchers} onInput={e => setMatchers(e.currentTarget.value)} />
      </label>
      <label>
        Channels, with commas between (*: all)
        <input name="channels" required value={channels} onInput={e => setChannels(e.currentTarget.value)} />
      </label>
      <label class="check">
        <input type="checkbox" name="continue" checked={goOn} onChange={e => setGoOn(e.currentTarget.checked)} />
        Later routes see these alerts too
      </label>
      <label class="check">
        <input
          type="checkbox"
          name="office"
          checked={hours !== undefined}
          onChange={e => setHours(e.currentTarget.checked ? usualHours() : undefined)}
        />
        Only at certain hours; outside of them messages wait
      </label>
      {hours && <HoursFields hours={hours} onChange={setHours} />}
    </FormDialog>
  );
}
