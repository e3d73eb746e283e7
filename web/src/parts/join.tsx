// The line that makes another host report here: a token is made when asked for.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { isAdmin, session, toast, useCell } from '../store';
import { clock } from '../units';
import { joinLine } from '../words';
import { CopyLines } from './copy';
import { Forbidden } from './faces';

const EXPIRES_S = 3600;

export function JoinHost() {
  const who = useCell(session);
  const [token, setToken] = useState<{ token: string; expires_ms: number } | null>(null);
  const [busy, setBusy] = useState(false);
  if (!isAdmin(who)) return <Forbidden what="add hosts" role="admin" />;

  const make = async (): Promise<void> => {
    setBusy(true);
    try {
      setToken(await api.createJoinToken(1, EXPIRES_S));
    } catch (e) {
      toast(e instanceof Error ? e.message : String(e), true);
    }
    setBusy(false);
  };

  if (!token)
    return (
      <button type="button" onClick={() => void make()} disabled={busy}>
        Make the line for the next host
      </button>
    );
  const server = new URL('.', document.baseURI).href.replace(/\/$/, '');
  return (
    <CopyLines
      what="Line"
      caption={`Paste this on the host. The token in it works once, until ${clock(token.expires_ms, false)}.`}
      text={joinLine(server, token.token)}
    />
  );
}
