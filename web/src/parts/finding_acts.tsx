// What an operator may do about a finding: say that it was done, judge it, dismiss it, take it back.

import { useState } from 'preact/hooks';
import * as adviceApi from '../api_advice';
import type { Kept } from '../shapes_advice';
import { isOperator, session, toast, useCell } from '../store';
import { Confirm } from './dialog';
import { Forbidden } from './faces';

const SILENT: readonly Kept['state'][] = ['dismissed', 'no_effect', 'harmed'];

export function FindingActs({ kept, onDone }: { kept: Kept; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  if (!isOperator(useCell(session))) return <Forbidden what="decide about findings" role="operator" />;

  const act = async (what: Promise<void>, said: string): Promise<void> => {
    setBusy(true);
    try {
      await what;
      toast(said);
      onDone();
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), true);
    }
    setBusy(false);
  };
  const judge = (verdict: 'useful' | 'wrong') => (
    <button
      type="button"
      disabled={busy}
      aria-pressed={kept.verdict === verdict}
      title={kept.verdict === verdict && kept.verdict_by ? `${kept.verdict_by} said so. Click to take it back.` : undefined}
      onClick={() => {
        const back = kept.verdict === verdict;
        void act(adviceApi.judge(kept.id, back ? null : verdict), back ? 'Verdict taken back.' : `Noted: ${verdict}.`);
      }}
    >
      {verdict === 'useful' ? 'Useful' : 'Wrong'}
    </button>
  );
  return (
    <div class="acts" data-acts={kept.id}>
      {judge('useful')}
      {judge('wrong')}
      {kept.state === 'open' && (
        <>
          <button type="button" disabled={busy} onClick={() => setAsking(true)}>
            Dismiss
          </button>
          <button
            type="button"
            class="primary"
            disabled={busy}
            onClick={() => void act(adviceApi.applied(kept.id), 'Noted: from now on it is judged.')}
          >
            I applied it
          </button>
        </>
      )}
      {SILENT.includes(kept.state) && (
        <button type="button" disabled={busy} onClick={() => void act(adviceApi.reopen(kept.id), 'The rule may speak again.')}>
          Let it speak again
        </button>
      )}
      {asking && (
        <Confirm
          title="Dismiss this finding?"
          text={`Rule ${kept.finding?.rule ?? ''} will be silent about this on ${kept.host_name} until somebody lets it speak again.`}
          act="Dismiss"
          onYes={() => void act(adviceApi.dismiss(kept.id), 'Dismissed.')}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}
