// A rule's threshold, clearing value and duration: for all hosts or for one, without PromQL.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import { durationText, typedNumber } from '../../model/alerts';
import type { AlertRule, Override } from '../../shapes_alerts';
import { hosts, toast, useCell } from '../../store';
import { FormDialog } from '../form_dialog';

interface Props {
  rule: AlertRule;
  overrides: readonly Override[];
  onDone: () => void;
  onClose: () => void;
}

interface Fields {
  value: string;
  clear: string;
  for: string;
  disabled: boolean;
}

function fieldsOf(rule: AlertRule, o: Override | undefined): Fields {
  return {
    value: String(o?.value ?? rule.threshold?.value ?? ''),
    clear: String(o?.clear ?? rule.threshold?.clear ?? ''),
    for: o?.for ?? durationText(rule.for_s),
    disabled: o?.disabled ?? false,
  };
}

export function RuleDialog({ rule, overrides, onDone, onClose }: Props) {
  const all = useCell(hosts) ?? [];
  const level = rule.threshold?.level ?? rule.labels['severity'] ?? '';
  const chosenFor = (instance: string): Override | undefined =>
    overrides.find(o => (o.instance ?? '') === instance && (o.level ?? level) === level);
  const [instance, setInstance] = useState('');
  const [f, setF] = useState(() => fieldsOf(rule, chosenFor('')));
  const set = (changes: Partial<Fields>): void => setF({ ...f, ...changes });

  const save = async (): Promise<void> => {
    const changed: api.Changed = { for: f.for.trim() || '0', disabled: f.disabled };
    if (instance) changed.instance = instance;
    if (rule.threshold) {
      const value = typedNumber(f.value);
      const clear = typedNumber(f.clear);
      if (value === null || value === undefined || clear === null) throw new Error('Threshold and clearing value are numbers.');
      changed.level = level;
      changed.value = value;
      if (clear !== undefined) changed.clear = clear;
    }
    await api.changeRule(rule.name, changed);
    toast(`${rule.name} is changed for ${instance || 'all hosts'}.`);
    onDone();
  };

  return (
    <FormDialog title={`${rule.name}${level ? `, ${level}` : ''}`} act="Save" onSave={save} onClose={onClose}>
      <label>
        For
        <select
          name="instance"
          value={instance}
          onChange={e => {
            setInstance(e.currentTarget.value);
            setF(fieldsOf(rule, chosenFor(e.currentTarget.value)));
          }}
        >
          <option value="">All hosts</option>
          {all.map(h => (
            <option key={h.id} value={h.name}>
              {h.name} only
            </option>
          ))}
        </select>
      </label>
      {rule.threshold && (
        <div class="filters">
          <label>
            Fires {rule.threshold.when} ({rule.threshold.unit || 'value'})
            <input name="value" inputMode="decimal" required value={f.value} onInput={e => set({ value: e.currentTarget.value })} />
          </label>
          <label>
            Clears at
            <input name="clear" inputMode="decimal" value={f.clear} onInput={e => set({ clear: e.currentTarget.value })} />
          </label>
        </div>
      )}
      <label>
        After this long, such as 30s, 5m, 1h (0: at once)
        <input name="for" value={f.for} onInput={e => set({ for: e.currentTarget.value })} />
      </label>
      <label class="check">
        <input type="checkbox" name="disabled" checked={f.disabled} onChange={e => set({ disabled: e.currentTarget.checked })} />
        Off: never fires
      </label>
    </FormDialog>
  );
}
