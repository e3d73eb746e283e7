// A host judged by the values that vendors document for what runs there: tables for the screen and
// for paper.

import * as adviceApi from '../api_advice';
import { tally } from '../model/advice';
import type { Host } from '../shapes';
import type { Audit, AuditCheck } from '../shapes_advice';
import { MISSING, dateTime, plain, share } from '../units';
import { AUDITS } from '../words';
import { Badge } from './badge';
import { CopyLines } from './copy';
import { Empty, Failed, Loading } from './faces';
import { Icon } from './icon';
import { useReading } from '../reading';

function Row({ c }: { c: AuditCheck }) {
  return (
    <tr data-result={c.result}>
      <td>
        <Badge word={AUDITS[c.result]} quiet />
      </td>
      <td class="mono">{c.name}</td>
      <td class="num" data-label="Value">
        {c.value === null ? MISSING : plain(c.value)}
      </td>
      <td class="num" data-label="Wanted">
        {c.wanted ?? MISSING}
      </td>
      <td class="num" data-label="In use">
        {c.use === null ? MISSING : plain(c.use)}
        {c.share !== null && <span class="sub"> ({share(c.share)})</span>}
      </td>
      <td class="grow">
        {c.why}
        {c.line && c.result !== 'PASS' && <CopyLines what="Line" caption={`Put into ${c.file ?? '/etc/sysctl.d/'}`} text={c.line} />}
      </td>
    </tr>
  );
}

function AuditCard({ a, host }: { a: Audit; host: string }) {
  return (
    <section class="card list audit" data-profile={a.profile} data-result={a.result}>
      <header>
        <h2>{a.title}</h2>
        <Badge word={AUDITS[a.result]} />
        <span class="sub">{tally(a)}</span>
        <span class="spring" />
        <span class="sub">{host}</span>
      </header>
      <table>
        <thead>
          <tr>
            <th>Result</th>
            <th>Parameter</th>
            <th class="num">Value</th>
            <th class="num">Wanted</th>
            <th class="num">In use</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {a.checks.map(c => (
            <Row key={c.name} c={c} />
          ))}
        </tbody>
      </table>
      {a.source && <p class="note">Source: {a.source}</p>}
    </section>
  );
}

async function all(stop: AbortSignal): Promise<string> {
  return (await adviceApi.profiles(stop)).map(p => p.title).join(', ');
}

export function Profiles({ host }: { host: Host }) {
  const answer = useReading(stop => adviceApi.audits(host.id, stop), 'profiles ' + host.id);
  const known = useReading(all, 'profiles').value;
  if (answer.failed) return <Failed err={answer.failed} retry={answer.again} />;
  if (!answer.value) return <Loading what="Judging by profiles" height={280} />;
  if (answer.value.length === 0)
    return (
      <Empty>
        Nothing that a profile is about was seen to run on {host.name}. {known && `There are profiles of ${known}.`}
      </Empty>
    );
  return (
    <>
      <div class="title section">
        <span class="sub">
          {host.name}, judged {dateTime(Date.now())} by what the vendors document
        </span>
        <span class="spring" />
        <button type="button" class="no-print" onClick={() => print()}>
          <Icon name="print" /> Print
        </button>
      </div>
      {answer.value.map(a => (
        <AuditCard key={a.profile} a={a} host={host.name} />
      ))}
    </>
  );
}
