// What is watched: rules with their levels, thresholds as a form, PromQL to read; rule files of
// this installation.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import type { RuleLevels } from '../../model/alerts';
import { durationText, overrideText, rulesByName, severityWord } from '../../model/alerts';
import { act, useReading } from '../../reading';
import { href, route, setParams } from '../../router';
import type { AlertRule, Override } from '../../shapes_alerts';
import { isOperator, session, useCell } from '../../store';
import { number } from '../../units';
import { Badge } from '../badge';
import { Empty, Failed, Forbidden, Loading } from '../faces';
import { Dialog } from '../dialog';
import { Icon } from '../icon';
import { RuleDialog } from './rule_dialog';
import { RuleFiles } from './rule_files';

const REREAD_MS = 15_000;
const TAKEN_UP_MS = 2000; // rules hold from the next evaluation on

function condition(r: AlertRule): string {
  const wait = r.for_s ? `for ${durationText(r.for_s)}` : 'at once';
  const t = r.threshold;
  if (!t) return wait;
  return `${t.when} ${number(t.value)} ${t.unit}, clears at ${number(t.clear)}, ${wait}`;
}

interface Acts {
  operator: boolean;
  edit: (r: AlertRule, overrides: readonly Override[]) => void;
  reset: (o: Override) => void;
}

function Rule({ rule, open, operator, edit, reset }: { rule: RuleLevels; open: boolean } & Acts) {
  const first = rule.levels[0];
  return (
    <li class="card alert" data-rule={rule.name}>
      <div class="what">
        <button
          type="button"
          class="ghost fold"
          aria-expanded={open}
          onClick={() => setParams({ open: open ? undefined : rule.name }, true)}
        >
          <Icon name="right" />
          <strong>{rule.name}</strong>
        </button>
        <span class="note">{rule.group}</span>
      </div>
      <ul class="rows">
        {rule.levels.map((r, i) => (
          <li key={i} data-level={r.threshold?.level ?? ''}>
            <Badge word={severityWord(r.threshold?.level ?? r.labels['severity'] ?? '')} quiet />
            <span class="grow-1">{condition(r)}</span>
            {operator && (
              <button type="button" class="small" onClick={() => edit(r, rule.overrides)}>
                Change
              </button>
            )}
          </li>
        ))}
        {rule.overrides.map(o => (
          <li key={`${o.level}/${o.instance}`} data-override={o.instance ?? ''}>
            <span class="chip">changed</span>
            <span class="grow-1">{overrideText(o)}</span>
            {operator && (
              <button type="button" class="small" onClick={() => reset(o)}>
                Back to the rule
              </button>
            )}
          </li>
        ))}
      </ul>
      {open && first && (
        <>
          <p class="muted">{first.annotations['description']}</p>
          <pre class="promql-text">{first.query}</pre>
          <p class="note">
            <a href={href('explore', { expr: first.query })}>Open in Explore</a>, from {first.file}
          </p>
        </>
      )}
    </li>
  );
}

/** Thresholds for all hosts in one step. */
function Presets({ onPut }: { onPut: () => void }) {
  const all = useReading(api.presets, 'presets').value ?? [];
  const [chosen, setChosen] = useState('');
  const preset = all.find(p => p.name === chosen);
  const put = async (): Promise<void> => {
    if (preset && (await act(() => api.putPreset(preset.name), `The preset ${preset.name} holds for all hosts.`))) onPut();
    setChosen('');
  };
  return (
    <>
      <label>
        Preset
        <select name="preset" value={chosen} onChange={e => setChosen(e.currentTarget.value)}>
          <option value="">Choose</option>
          {all.map(p => (
            <option key={p.name} value={p.name}>
              {p.name}
            </option>
          ))}
        </select>
      </label>
      {preset && (
        <Dialog title={`Put the preset ${preset.name} for all hosts?`} onClose={() => setChosen('')}>
          <p>Thresholds become {preset.text}. Hosts with thresholds of their own keep them.</p>
          <footer>
            <button type="button" onClick={() => setChosen('')}>
              Cancel
            </button>
            <button type="button" class="primary" onClick={() => void put()}>
              Put it
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}

export function AlertRules() {
  const p = useCell(route)?.params ?? {};
  const operator = isOperator(useCell(session));
  const read = useReading(api.rules, 'rules', { everyMs: REREAD_MS });
  const [editing, setEditing] = useState<{ rule: AlertRule; overrides: readonly Override[] } | null>(null);
  const reset = async (o: Override): Promise<void> => {
    if (await act(() => api.resetRule(o), `${o.rule} is as its rule says.`)) read.again();
  };
  const shown = read.value && rulesByName(read.value.rules, read.value.overrides, p['q'] ?? '');
  return (
    <>
      <div class="filters" role="search">
        <label class="search">
          <Icon name="search" />
          <span class="sr">Search rules</span>
          <input
            type="search"
            data-search
            placeholder="Search rules"
            value={p['q'] ?? ''}
            onInput={e => setParams({ q: e.currentTarget.value }, true)}
          />
        </label>
        {operator && <Presets onPut={read.again} />}
      </div>
      {!operator && <Forbidden what="change thresholds" role="operator" />}
      {read.failed && <Failed err={read.failed} retry={read.again} />}
      {!read.failed && !shown && <Loading what="Reading the rules" />}
      {shown?.length === 0 && <Empty>No rule matches "{p['q']}".</Empty>}
      <ul class="alerts">
        {shown?.map(r => (
          <Rule
            key={r.name}
            rule={r}
            open={p['open'] === r.name}
            operator={operator}
            edit={(rule, overrides) => setEditing({ rule, overrides })}
            reset={o => void reset(o)}
          />
        ))}
      </ul>
      <RuleFiles onChanged={() => void setTimeout(read.again, TAKEN_UP_MS)} />
      {editing && <RuleDialog {...editing} onDone={read.again} onClose={() => setEditing(null)} />}
    </>
  );
}
