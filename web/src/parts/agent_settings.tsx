// What the agent of a host collects and how often: chosen here, applied within a second, or refused
// with the reason. What the host's own administrator has fixed is shown and cannot be chosen.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../api';
import * as hostApi from '../api_host';
import type { Draft, Faults, ListField, NumberField } from '../model/settings';
import { draftOf, namesOf, presetOf, same, settingsOf, switches, toggled, withPreset } from '../model/settings';
import { fill } from '../model/charts';
import type { Host } from '../shapes';
import type { AgentSettings, Preset } from '../shapes_host';
import { isOperator, session, toast, useCell } from '../store';
import { when } from '../units';
import { LINKS } from '../words';
import { Badge } from './badge';
import { Failed, Forbidden, Loading } from './faces';
import { useReading } from '../reading';

const LIVE_MS = 2000;

const FIELDS: readonly { field: NumberField; text: string; unit: string; hint: string }[] = [
  { field: 'collect_s', text: 'Collect every', unit: 's', hint: '0.5 to 300' },
  { field: 'send_s', text: 'Send every', unit: 's', hint: '1 to 300; what waits lies on the host\u2019s disk' },
  { field: 'display_s', text: 'Show every', unit: 's', hint: '0.1 to 10, while somebody watches' },
  { field: 'processes_top', text: 'Processes in each order', unit: '', hint: '1 to 20, in a snapshot' },
];

function Applied({ state }: { state: AgentSettings }) {
  const { link } = state;
  const words =
    link.state === 'applied'
      ? state.version === 0
        ? 'the defaults, nobody has chosen any'
        : `version ${link.applied_version}, since ${when(state.changed_ms, Date.now())}, by ${state.changed_by}`
      : link.state === 'refused'
        ? `version ${state.version}: ${link.detail ?? 'no reason was given'}. The agent goes on as before.`
        : link.state === 'pending'
          ? `version ${state.version}`
          : 'it is told when it connects';
  return (
    <p class="applied" data-link={link.state} data-applied={link.applied_version} role="status">
      <Badge word={LINKS[link.state]} /> <span>{words}</span>
      {link.agent_version && <span class="sub">agent {link.agent_version}</span>}
    </p>
  );
}

function Fault({ faults, field }: { faults: Faults; field: string }) {
  return faults[field] ? (
    <span class="error" id={`fault-${field}`} role="alert">
      {faults[field]}
    </span>
  ) : null;
}

interface SwitchesProps {
  title: string;
  note: string;
  field: ListField;
  names: readonly string[];
  off: readonly string[];
  disabled: boolean;
  fixed: boolean;
  faults: Faults;
  onFlip: (name: string) => void;
}

function Switches(p: SwitchesProps) {
  return (
    <fieldset class="switches" disabled={p.disabled || p.fixed} data-field={p.field}>
      <legend>
        {p.title} {p.fixed && <span class="chip">Fixed on the host</span>}
      </legend>
      <div>
        {p.names.map(n => (
          <label class="check" key={n}>
            <input type="checkbox" checked={!p.off.includes(n)} onChange={() => p.onFlip(n)} />
            <span>{n}</span>
          </label>
        ))}
        {p.names.length === 0 && <span class="note">{p.note}</span>}
      </div>
      <Fault faults={p.faults} field={p.field} />
    </fieldset>
  );
}

/** Collectors that report, services that were told: what there is to switch. */
async function known(host: Host, stop: AbortSignal): Promise<{ collectors: string[]; services: string[] }> {
  const expr = fill('galen_agent_collector_interval_seconds{instance="$host"}', { host: host.name, windowS: 0 });
  const [found, services] = await Promise.all([
    api.query(expr, undefined, stop),
    hostApi.services(host.id, stop).then(s => s.services.map(x => x.name), () => []),
  ]);
  return { collectors: found.flatMap(f => f.labels['collector'] ?? []), services };
}

function Form({ host, state, onSaved }: { host: Host; state: AgentSettings; onSaved: () => void }) {
  const operator = isOperator(useCell(session));
  const presets = useReading(hostApi.presets, 'presets').value ?? [];
  const there = useReading(stop => known(host, stop), 'known ' + host.id).value ?? { collectors: [], services: [] };
  const [base, setBase] = useState(state);
  const [draft, setDraft] = useState<Draft>(draftOf(state.settings));
  const [faults, setFaults] = useState<Faults>({});
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const clean = same(draft, draftOf(base.settings));
  const outdated = state.version > base.version;

  const load = (s: AgentSettings): void => {
    setBase(s);
    setDraft(draftOf(s.settings));
    setFaults({});
    setFailed('');
  };
  useEffect(() => {
    if (outdated && clean) load(state); // nothing was typed: follow
  }, [state.version]);

  const change = (to: Partial<Draft>): void => {
    setDraft({ ...draft, ...to });
    setFaults(Object.fromEntries(Object.entries(faults).filter(([k]) => !(k in to))));
  };
  const save = async (): Promise<void> => {
    const wanted = settingsOf(draft, presets);
    setFailed('');
    if ('faults' in wanted) return setFaults(wanted.faults);
    setBusy(true);
    try {
      load(await hostApi.saveSettings(host.id, base.version, wanted.settings));
      toast('Settings saved.');
      onSaved();
    } catch (e) {
      const err = e instanceof api.ApiError ? e : null;
      setFaults(err?.fields ?? {});
      if (err?.status === 412) onSaved(); // reads again: the notice says who was first
      if (Object.keys(err?.fields ?? {}).length === 0) setFailed(e instanceof Error ? e.message : String(e));
    }
    setBusy(false);
  };

  const fixed = (f: string): boolean => state.link.fixed?.includes(f) ?? false;
  const chosen = presetOf(draft, presets);
  return (
    <form
      class="card agent"
      onSubmit={e => {
        e.preventDefault();
        void save();
      }}
    >
      <Applied state={state} />
      {outdated && !clean && (
        <p class="notice bad" role="alert">
          {state.changed_by} changed these settings at {when(state.changed_ms, Date.now())}. What you typed is not saved.{' '}
          <button type="button" onClick={() => load(state)}>
            Load them again
          </button>
        </p>
      )}
      <Presets presets={presets} chosen={chosen} disabled={!operator} onChoose={p => change(withPreset(draft, p))} />
      <div class="fields">
        {FIELDS.map(f => {
          const held = fixed(f.field);
          return (
            <label key={f.field} data-field={f.field}>
              <span>
                {f.text} {held && <span class="chip">Fixed on the host</span>}
              </span>
              <span class="with-unit">
                <input
                  name={f.field}
                  inputMode="decimal"
                  aria-invalid={Boolean(faults[f.field])}
                  aria-describedby={faults[f.field] ? `fault-${f.field}` : undefined}
                  disabled={!operator || held}
                  value={held && state.link.effective ? String(state.link.effective[f.field]) : draft[f.field]}
                  onInput={e => change({ [f.field]: e.currentTarget.value })}
                />
                {f.unit}
              </span>
              {faults[f.field] ? <Fault faults={faults} field={f.field} /> : <span class="note">{f.hint}</span>}
            </label>
          );
        })}
      </div>
      <Switches
        title="Collectors"
        note="The agent has not told which it has."
        field="collectors_off"
        names={switches(there.collectors, draft.collectors_off)}
        off={draft.collectors_off}
        disabled={!operator}
        fixed={fixed('collectors_off')}
        faults={faults}
        onFlip={n => change({ collectors_off: toggled(draft.collectors_off, n) })}
      />
      <Switches
        title="Services"
        note="No service was found on this host."
        field="services_off"
        names={switches([...there.services, ...draft.services], draft.services_off)}
        off={draft.services_off}
        disabled={!operator}
        fixed={fixed('services_off')}
        faults={faults}
        onFlip={n => change({ services_off: toggled(draft.services_off, n) })}
      />
      <label class="wide" data-field="services">
        <span>
          Further services, by name {fixed('services') && <span class="chip">Fixed on the host</span>}
        </span>
        <input
          name="services"
          disabled={!operator || fixed('services')}
          placeholder="my-app, queue-worker"
          value={draft.services.join(', ')}
          onChange={e => change({ services: namesOf(e.currentTarget.value) })}
        />
        <Fault faults={faults} field="services" />
      </label>
      {failed && (
        <p class="error" role="alert">
          {failed}
        </p>
      )}
      {operator ? (
        <footer>
          <button type="submit" class="primary" disabled={busy || clean || outdated}>
            Save and apply
          </button>
          {!clean && (
            <button type="button" onClick={() => load(state)}>
              Drop the changes
            </button>
          )}
        </footer>
      ) : (
        <Forbidden what="change settings of agents" role="operator" />
      )}
    </form>
  );
}

interface PresetsProps {
  presets: readonly Preset[];
  chosen: string | null;
  disabled: boolean;
  onChoose: (p: Preset) => void;
}

function Presets({ presets, chosen, disabled, onChoose }: PresetsProps) {
  return (
    <fieldset class="presets" disabled={disabled}>
      <legend>Preset</legend>
      <div>
        {presets.map(p => (
          <label key={p.name} data-preset={p.name}>
            <input type="radio" name="preset" checked={chosen === p.name} onChange={() => onChoose(p)} />
            <strong>{p.name}</strong>
            <span class="note">{p.for}</span>
          </label>
        ))}
        <label class={chosen === null ? '' : 'idle'}>
          <input type="radio" name="preset" checked={chosen === null} disabled />
          <strong>own values</strong>
          <span class="note">as typed below</span>
        </label>
      </div>
    </fieldset>
  );
}

export function AgentSettingsPart({ host }: { host: Host }) {
  const answer = useReading(stop => hostApi.settings(host.id, stop), 'settings ' + host.id, { everyMs: LIVE_MS });
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading the agent's settings" height={360} />;
  return <Form key={host.id} host={host} state={answer.value} onSaved={answer.again} />;
}
