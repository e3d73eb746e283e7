// A channel's form. Secrets go in and never come out: an empty field keeps what is set.

import { useState } from 'preact/hooks';
import * as api from '../../api_alerts';
import type { Field } from '../../model/alerts';
import { CHANNEL_KINDS, channelConfig, channelTexts } from '../../model/alerts';
import type { Channel } from '../../shapes_alerts';
import { toast } from '../../store';
import { FormDialog } from '../form_dialog';

const TLS = ['starttls', 'tls', 'none'];

interface InputProps {
  field: Field;
  value: string;
  isSet: boolean;
  onInput: (v: string) => void;
}

function Input({ field, value, isSet, onInput }: InputProps) {
  if (field.type === 'tls')
    return (
      <select name={field.name} value={value || 'starttls'} onChange={e => onInput(e.currentTarget.value)}>
        {TLS.map(t => (
          <option key={t} value={t}>
            {t}
          </option>
        ))}
      </select>
    );
  const common = { name: field.name, value, autocomplete: 'off', onInput: (e: InputEvent) => onInput((e.currentTarget as HTMLInputElement).value) } as const;
  if (field.type === 'secret')
    return (
      <input
        type="password"
        {...common}
        autocomplete="new-password"
        placeholder={isSet ? 'Set; type to replace it' : ''}
        required={Boolean(field.needed) && !isSet}
      />
    );
  return <input {...common} inputMode={field.type === 'number' ? 'numeric' : 'text'} required={Boolean(field.needed)} />;
}

export function ChannelDialog({ channel, onDone, onClose }: { channel: Channel | null; onDone: () => void; onClose: () => void }) {
  const old = channel?.config ?? {};
  const [kind, setKind] = useState(channel?.kind ?? 'email');
  const [name, setName] = useState(channel?.name ?? '');
  const [texts, setTexts] = useState(() => channelTexts(kind, old));
  const save = async (): Promise<void> => {
    const config = channelConfig(kind, texts, old);
    await api.saveChannel(channel, { name: name.trim(), kind, enabled: channel?.enabled ?? true, config });
    toast('Channel saved.');
    onDone();
  };
  return (
    <FormDialog title={channel ? `Channel ${channel.name}` : 'New channel'} act="Save" onSave={save} onClose={onClose}>
      <label>
        Kind
        <select
          name="kind"
          value={kind}
          disabled={channel !== null}
          onChange={e => {
            setKind(e.currentTarget.value);
            setTexts({});
          }}
        >
          {Object.keys(CHANNEL_KINDS).map(k => (
            <option key={k} value={k}>
              {k}
            </option>
          ))}
        </select>
      </label>
      <label>
        Name
        <input name="name" required value={name} onInput={e => setName(e.currentTarget.value)} />
      </label>
      {(CHANNEL_KINDS[kind] ?? []).map(f => (
        <label key={f.name}>
          {f.text}
          <Input
            field={f}
            value={texts[f.name] ?? ''}
            isSet={old[f.name] !== undefined}
            onInput={v => setTexts({ ...texts, [f.name]: v })}
          />
        </label>
      ))}
      {kind === 'browser' && <p class="note">Every open console shows it; each browser asks its person once.</p>}
    </FormDialog>
  );
}
