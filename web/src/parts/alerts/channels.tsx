// Where alerts are told: channels with a test and a log, and this browser's own notifications.

import { useState } from 'preact/hooks';
import { allowance, notifying, setNotifying } from '../../alerts_feed';
import * as api from '../../api_alerts';
import { act, asError, useReading } from '../../reading';
import type { Channel, Tested } from '../../shapes_alerts';
import { isAdmin, isOperator, session, useCell } from '../../store';
import { dateTime } from '../../units';
import { Confirm, Dialog } from '../dialog';
import { Empty, Failed, Forbidden, Loading } from '../faces';
import { Icon } from '../icon';
import { ChannelDialog } from './channel_dialog';

function ThisBrowser() {
  useCell(notifying);
  const now = allowance();
  const words = {
    on: 'This browser shows notifications of channels of kind browser.',
    off: 'This browser shows no notifications.',
    refused: "This browser was told to refuse notifications: allow them in the page's permissions first.",
    unsupported: 'This browser has no notifications here (they need https or localhost).',
  };
  return (
    <section class="card form" data-part="this-browser" data-allowance={now}>
      <h2>This browser</h2>
      <p class="muted">{words[now]}</p>
      {(now === 'on' || now === 'off') && (
        <div class="acts">
          <button type="button" onClick={() => void setNotifying(now === 'off')}>
            {now === 'off' ? 'Show notifications here' : 'Show none here'}
          </button>
        </div>
      )}
    </section>
  );
}

function Deliveries({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const log = useReading(s => api.deliveries(channel.id, s), String(channel.id));
  return (
    <Dialog title={`Deliveries of ${channel.name}`} wide onClose={onClose}>
      {log.failed && <Failed err={log.failed} retry={log.again} />}
      {log.value?.length === 0 && <p class="note">Nothing was sent yet. Tests are not listed.</p>}
      {log.value && log.value.length > 0 && (
        <div class="scroll list">
          <table class="labelled">
            <thead>
              <tr>
                <th>Time</th>
                <th>State</th>
                <th class="num">Attempts</th>
                <th>Group</th>
                <th>Error</th>
              </tr>
            </thead>
            <tbody>
              {log.value.map(d => (
                <tr key={d.id} data-row={d.id}>
                  <td>{dateTime(d.created_ms)}</td>
                  <td>{d.state}</td>
                  <td class="num" data-label="Attempts">
                    {d.attempts}
                  </td>
                  <td class="mono">{d.group}</td>
                  <td>{d.error}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  );
}

interface RowProps {
  channel: Channel;
  admin: boolean;
  onChanged: () => void;
  onEdit: () => void;
  onLog: () => void;
  onDelete: () => void;
}

function Row({ channel: c, admin, onChanged, onEdit, onLog, onDelete }: RowProps) {
  const [tested, setTested] = useState<Tested | null>(null);
  const [busy, setBusy] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    setTested(await api.testChannel(c.id).catch((e: unknown) => ({ sent: false, error: asError(e).message })));
    setBusy(false);
  };
  const enable = async (): Promise<void> => {
    const { name, kind, config } = c;
    if (await act(() => api.saveChannel(c, { name, kind, config, enabled: !c.enabled }), c.enabled ? 'Channel off.' : 'Channel on.'))
      onChanged();
  };
  return (
    <li class="card alert" data-channel={c.name} data-enabled={String(c.enabled)}>
      <div class="what">
        <h2>{c.name}</h2>
        <span class="chip">{c.kind}</span>
        {!c.enabled && <span class="chip">off</span>}
        <span class="spring" />
        <span class="note">
          changed {dateTime(c.changed_ms)} by {c.changed_by}
        </span>
      </div>
      <div class="acts">
        {admin && (
          <>
            <button type="button" class="small" disabled={busy} onClick={() => void test()}>
              {busy ? 'Sending' : 'Send a test'}
            </button>
            <button type="button" class="small" onClick={onEdit}>
              Edit
            </button>
            <button type="button" class="small" onClick={() => void enable()}>
              {c.enabled ? 'Switch off' : 'Switch on'}
            </button>
          </>
        )}
        <button type="button" class="small" onClick={onLog}>
          Deliveries
        </button>
        {admin && (
          <button type="button" class="ghost" title="Delete" aria-label={`Delete the channel ${c.name}`} onClick={onDelete}>
            <Icon name="trash" />
          </button>
        )}
      </div>
      {tested && (
        <p role="status" class={`verdict-line ${tested.sent ? 'good' : 'bad'}`} data-sent={String(tested.sent)}>
          <Icon name={tested.sent ? 'helped' : 'harmed'} />
          <span>{tested.sent ? 'The test was taken.' : `Not sent: ${tested.error}`}</span>
        </p>
      )}
    </li>
  );
}

export function Channels() {
  const who = useCell(session);
  if (!isOperator(who))
    return (
      <>
        <Forbidden what="see channels" role="operator" />
        <ThisBrowser />
      </>
    );
  return <List admin={isAdmin(who)} />;
}

function List({ admin }: { admin: boolean }) {
  const list = useReading(api.channels, 'channels');
  const [editing, setEditing] = useState<{ channel: Channel | null } | null>(null);
  const [log, setLog] = useState<Channel | null>(null);
  const [doomed, setDoomed] = useState<Channel | null>(null);
  const remove = async (c: Channel): Promise<void> => {
    if (await act(() => api.deleteChannel(c.id), 'Channel deleted.')) list.again();
  };
  return (
    <>
      {admin ? (
        <div class="acts">
          <button type="button" onClick={() => setEditing({ channel: null })}>
            Add a channel
          </button>
        </div>
      ) : (
        <Forbidden what="change channels" role="admin" />
      )}
      {list.failed && <Failed err={list.failed} retry={list.again} />}
      {!list.failed && !list.value && <Loading what="Reading the channels" />}
      {list.value?.length === 0 && <Empty>Alerts are told to nobody yet: add a channel.</Empty>}
      <ul class="alerts">
        {list.value?.map(c => (
          <Row
            key={c.id}
            channel={c}
            admin={admin}
            onChanged={list.again}
            onEdit={() => setEditing({ channel: c })}
            onLog={() => setLog(c)}
            onDelete={() => setDoomed(c)}
          />
        ))}
      </ul>
      <ThisBrowser />
      {editing && <ChannelDialog channel={editing.channel} onDone={list.again} onClose={() => setEditing(null)} />}
      {log && <Deliveries channel={log} onClose={() => setLog(null)} />}
      {doomed && (
        <Confirm
          title={`Delete the channel ${doomed.name}?`}
          text="Nobody is told there any more, and what waits is not sent. Its secrets are gone for good."
          act="Delete"
          onYes={() => void remove(doomed)}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}
