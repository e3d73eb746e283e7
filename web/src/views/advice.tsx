// Every finding of every host by what became of it, and the audits by vendors' profiles.

import { Fragment } from 'preact';
import * as adviceApi from '../api_advice';
import { reportInterval } from '../feeds';
import { CLASS_FILTER, countStates, inFilter, inShort, shownOf, sorted, tally } from '../model/advice';
import { parseRange } from '../model/range';
import { AdviceCard } from '../parts/advice_card';
import { Badge } from '../parts/badge';
import { Empty, Failed, Loading } from '../parts/faces';
import { FindingActs } from '../parts/finding_acts';
import { Icon } from '../parts/icon';
import { Profiles } from '../parts/profiles';
import { Tabs } from '../parts/tabs';
import { useReading } from '../reading';
import { href, route, setParams } from '../router';
import type { Host } from '../shapes';
import type { Kept } from '../shapes_advice';
import { FINDING_STATES } from '../shapes_advice';
import { hostNamed, hosts, useCell } from '../store';
import { MISSING, dateTime, when } from '../units';
import { AUDITS, FINDINGS, KINDS } from '../words';

const EVERY_MS = 10_000;
const AUDITED_HOSTS = 25;
const DEFAULT_INTERVAL_S = 15;

/** The newest of all states, and whatever is open however old it is. */
async function read(stop: AbortSignal): Promise<{ all: Kept[]; more: boolean }> {
  const [newest, open] = await Promise.all([
    adviceApi.findings({}, undefined, stop),
    adviceApi.findings({ state: 'open' }, undefined, stop),
  ]);
  const byId = new Map([...newest.findings, ...open.findings].map(k => [k.id, k]));
  return { all: sorted([...byId.values()]), more: newest.next !== null };
}

function Opened({ kept, onDone }: { kept: Kept; onDone: () => void }) {
  const params = useCell(route)?.params ?? {};
  const interval = useReading(() => reportInterval(kept.host_name), 'interval ' + kept.host_name);
  const intervalS = interval.value ?? (interval.failed ? DEFAULT_INTERVAL_S : null);
  const acts = <FindingActs kept={kept} onDone={onDone} />;
  if (!kept.finding) return acts;
  if (intervalS === null) return <Loading what="Reading the evidence" />;
  const scene = { host: kept.host_name, range: parseRange(params), intervalS };
  return <AdviceCard finding={kept.finding} scene={scene} marks={[]} acts={acts} />;
}

function Row({ kept: k, open, onDone }: { kept: Kept; open: boolean; onDone: () => void }) {
  const params = useCell(route)?.params ?? {};
  return (
    <Fragment>
      <tr data-row={k.id} data-finding={k.finding?.rule} data-state={k.state}>
        <td>
          <Badge word={FINDINGS[k.state]} quiet />
        </td>
        <td>
          <a href={href('host', { host: k.host_name })}>{k.host_name}</a>
        </td>
        <td class="grow">
          <a class="fold" aria-expanded={open} href={href('advice', { ...params, open: open ? undefined : String(k.id) })}>
            <Icon name="right" />
            {k.finding && <Icon name={KINDS[k.finding.class].icon} label={KINDS[k.finding.class].text} />}
            <span>{inShort(k)}</span>
          </a>
          {k.outcome && <p class="note">{k.outcome}</p>}
        </td>
        <td data-label="Rule">{k.finding?.rule ?? MISSING}</td>
        <td data-label="Since" title={k.opened_ms === null ? '' : dateTime(k.opened_ms)}>
          {k.opened_ms === null ? MISSING : when(k.opened_ms, Date.now())}
        </td>
        <td data-label="Verdict">{k.verdict ?? MISSING}</td>
      </tr>
      {open && (
        <tr class="opened">
          <td colSpan={6}>
            <Opened kept={k} onDone={onDone} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Filters({ all }: { all: readonly Host[] }) {
  const p = useCell(route)?.params ?? {};
  return (
    <div class="filters" role="search">
      <label>
        Host
        <select value={p['host'] ?? ''} onChange={e => setParams({ host: e.currentTarget.value })}>
          <option value="">All hosts</option>
          {all.map(h => (
            <option key={h.id} value={h.name}>
              {h.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Recommendation
        <select value={p['class'] ?? ''} onChange={e => setParams({ class: e.currentTarget.value })}>
          <option value="">All recommendations</option>
          {CLASS_FILTER.map(c => (
            <option key={c} value={c}>
              {KINDS[c].text}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Findings() {
  const p = useCell(route)?.params ?? {};
  const all = useCell(hosts) ?? [];
  const answer = useReading(read, 'findings', { everyMs: EVERY_MS });
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading findings" height={300} />;
  const state = shownOf(p['state']);
  const here = answer.value.all.filter(k => inFilter(k, { host: p['host'], class: p['class'] }));
  const counts = countStates(here);
  const rows = here.filter(k => state === 'all' || k.state === state);
  return (
    <>
      <div class="counts by-state" role="group" aria-label="Filter by state">
        {FINDING_STATES.map(s => (
          <button
            type="button"
            key={s}
            class={`count ${counts[s] > 0 ? FINDINGS[s].tone : 'quiet'}`}
            data-count={s}
            aria-pressed={state === s}
            onClick={() => setParams({ state: state === s ? 'all' : s, open: undefined })}
          >
            <strong>{counts[s]}</strong>
            <span>
              <Icon name={FINDINGS[s].icon} /> {FINDINGS[s].text}
            </span>
          </button>
        ))}
      </div>
      <Filters all={all} />
      <div class="card list">
        <table class="findings">
          <thead>
            <tr>
              <th>State</th>
              <th>Host</th>
              <th>Finding</th>
              <th>Rule</th>
              <th>Since</th>
              <th>Verdict</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(k => (
              <Row key={k.id} kept={k} open={p['open'] === String(k.id)} onDone={answer.again} />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && (
          <Empty>
            {state === 'all' ? 'Nothing was found so far' : `No finding is ${FINDINGS[state].text.toLowerCase()}`}
            {p['host'] && ` on ${p['host']}`}
            {p['class'] && ` of this recommendation`}.{' '}
            {(state !== 'all' || p['host'] || p['class']) && (
              <button type="button" onClick={() => setParams({ state: 'all', host: undefined, class: undefined })}>
                Show all
              </button>
            )}
          </Empty>
        )}
      </div>
      {answer.value.more && <p class="note">The newest, and all that are open. Older ones: GET /api/galen/v1/findings.</p>}
    </>
  );
}

// ---- audits ----

function AuditRow({ host }: { host: Host }) {
  const found = useReading(stop => adviceApi.audits(host.id, stop), 'profiles ' + host.id);
  return (
    <tr data-row={host.name}>
      <td>
        <a href={href('advice', { view: 'audits', host: host.name })}>{host.name}</a>
      </td>
      <td class="grow">
        {found.failed?.message}
        {found.value?.length === 0 && <span class="sub">nothing that a profile is about runs there</span>}
        <ul class="tallies">
          {found.value?.map(a => (
            <li key={a.profile}>
              <Badge word={AUDITS[a.result]} quiet /> {a.title} <span class="sub">{tally(a)}</span>
            </li>
          ))}
        </ul>
      </td>
    </tr>
  );
}

function Audits() {
  const p = useCell(route)?.params ?? {};
  const all = useCell(hosts) ?? [];
  const host = hostNamed(all, p['host']);
  if (p['host'] && host)
    return (
      <>
        <p class="no-print">
          <a href={href('advice', { view: 'audits' })}>All hosts</a>
        </p>
        <Profiles host={host} />
      </>
    );
  return (
    <div class="card list">
      <table>
        <thead>
          <tr>
            <th>Host</th>
            <th>Judged by</th>
          </tr>
        </thead>
        <tbody>
          {all.slice(0, AUDITED_HOSTS).map(h => (
            <AuditRow key={h.id} host={h} />
          ))}
        </tbody>
      </table>
      {all.length > AUDITED_HOSTS && (
        <p class="note">The first {AUDITED_HOSTS} hosts. Of the others: choose one above, then Profiles.</p>
      )}
    </div>
  );
}

export function AdviceView() {
  const p = useCell(route)?.params ?? {};
  const view = p['view'] === 'audits' ? 'audits' : 'findings';
  return (
    <>
      <div class="title">
        <h1>Advice</h1>
        <span class="sub">what to change, over the whole fleet, and what came of it</span>
      </div>
      <Tabs
        label="Parts of Advice"
        chosen={view}
        tabs={[
          { id: 'findings', text: 'Findings', href: href('advice') },
          { id: 'audits', text: 'Audits', href: href('advice', { view: 'audits' }) },
        ]}
      />
      {view === 'audits' ? <Audits /> : <Findings />}
    </>
  );
}
