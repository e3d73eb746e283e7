// Changes of a host with what came of them. What did harm is loud, and says how to go back.

import { useMemo } from 'preact/hooks';
import * as adviceApi from '../api_advice';
import type { Scene } from '../feeds';
import { causeWords, isHarm, judged, reasonOf, revertLine } from '../model/changes';
import type { Mark } from '../model/parameters';
import { span, stepFor } from '../model/range';
import { href } from '../router';
import type { Host } from '../shapes';
import type { Change } from '../shapes_advice';
import { serverTime } from '../store';
import { dateTime, plain, when } from '../units';
import { OUTCOMES } from '../words';
import { Badge } from './badge';
import { CopyLines } from './copy';
import { Empty, Failed, Loading } from './faces';
import { useReading } from '../reading';

const LISTED = 6;
const EVERY_MS = 5000;

/** Marks with their verdicts, read again every few seconds. */
export function useJudged(host: Host | undefined, scene: Scene | null, marks: readonly Mark[]): readonly Mark[] {
  const range = scene?.range;
  const key = `changes ${host?.id} ${JSON.stringify(range)}`;
  const found = useReading(
    async stop => {
      if (!host || !range) return [];
      const toMs = range.kind === 'last' ? undefined : range.toS * 1000;
      return adviceApi.changes(host.id, (toMs ?? serverTime.nowMs()) - span(range) * 1000, toMs, stop);
    },
    key,
    { everyMs: EVERY_MS },
  ).value;
  return useMemo(
    () => (scene ? judged(marks, found ?? [], stepFor(span(scene.range), scene.intervalS)) : marks),
    [marks, found, scene],
  );
}

export function Harm({ c }: { c: Change }) {
  const line = revertLine(c);
  return (
    <div class="notice bad" role="alert" data-harm={c.parameter}>
      <p>
        <Badge word={OUTCOMES.harmed} /> <strong>Put {c.parameter} back to {c.from}.</strong> The change to {c.to} at{' '}
        {when(c.at_ms, Date.now())} did harm: {reasonOf(c)}
      </p>
      {line && <CopyLines what="Line" text={line} />}
    </div>
  );
}

const shown = (v: number | string): string => (typeof v === 'number' ? plain(v) : v);

/** The newest changes of the range; those that did harm and still hold, above. */
export function ChangeList({ host, marks }: { host: Host; marks: readonly Mark[] }) {
  if (marks.length === 0) return null;
  const newest = new Map(marks.map(m => [m.change?.parameter ?? m.name, m]));
  const advised = host.advice?.findings.filter(isHarm).map(f => f.parameter) ?? []; // their cards say it
  const harmful = [...newest.values()].flatMap(m =>
    m.change?.verdict === 'harmed' && !advised.includes(m.change.parameter) ? m.change : [],
  );
  const tab = href('host', { host: host.name, tab: 'changes' });
  return (
    <>
      {harmful.map(c => (
        <Harm key={c.id} c={c} />
      ))}
      <ul class="changes" aria-label="Changes in this range">
        {marks
          .slice(-LISTED)
          .reverse()
          .map(m => (
            <li key={m.name + m.tS} title={dateTime(m.tS * 1000)} data-verdict={m.change?.verdict}>
              <span class="diamond" aria-hidden="true" />
              <span>{when(m.tS * 1000, Date.now())}</span>
              <span class="mono">{m.name}</span>
              <span>
                {shown(m.from)} → {shown(m.to)}
              </span>
              {m.change && (
                <a href={tab} title={reasonOf(m.change)}>
                  <Badge word={OUTCOMES[m.change.verdict]} quiet />
                </a>
              )}
            </li>
          ))}
      </ul>
    </>
  );
}

function Row({ c, host }: { c: Change; host: Host }) {
  const line = c.verdict === 'harmed' ? revertLine(c) : null;
  return (
    <tr data-row={c.id} data-verdict={c.verdict}>
      <td title={dateTime(c.at_ms)}>{when(c.at_ms, Date.now())}</td>
      <td class="mono">{c.parameter}</td>
      <td data-label="From">{c.from}</td>
      <td data-label="To">{c.to}</td>
      <td>
        {causeWords(c.cause)}
        {c.finding !== null && (
          <>
            {' '}
            (<a href={href('advice', { host: host.name, open: String(c.finding), state: 'all' })}>{c.rule ?? 'finding'}</a>)
          </>
        )}
      </td>
      <td>
        <Badge word={OUTCOMES[c.verdict]} quiet />
      </td>
      <td class="grow">
        {reasonOf(c)}
        {line && <CopyLines what="Line" caption="Put it back" text={line} />}
      </td>
    </tr>
  );
}

export function Changes({ host }: { host: Host }) {
  const answer = useReading(
    stop => adviceApi.changes(host.id, undefined, undefined, stop),
    `all changes ${host.id}`,
    { everyMs: EVERY_MS },
  );
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Reading changes" />;
  if (answer.value.length === 0)
    return <Empty>No kernel parameter, memory, processor or file system of {host.name} has changed since it was first seen.</Empty>;
  return (
    <div class="card list">
      <table class="changes-table">
        <thead>
          <tr>
            <th>Time</th>
            <th>What</th>
            <th>From</th>
            <th>To</th>
            <th>Cause</th>
            <th>Did it help?</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {answer.value.map(c => (
            <Row key={c.id} c={c} host={host} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
