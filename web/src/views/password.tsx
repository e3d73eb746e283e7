// Choose a new password: after the one-time one, nothing else is offered.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { Gate } from '../parts/gate';
import { session, toast } from '../store';
import { typedPassword } from './login';

export function PasswordView() {
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);
  const typed = typedPassword.get();

  const submit = async (form: FormData): Promise<void> => {
    const old = typed || String(form.get('old'));
    const next = String(form.get('new'));
    if (next !== String(form.get('again'))) {
      setFailed('The two new passwords differ.');
      return;
    }
    setBusy(true);
    try {
      await api.changePassword(old, next);
      typedPassword.set('');
      toast('Password changed.');
      session.set(await api.session());
    } catch (e) {
      setFailed(e instanceof Error ? e.message : String(e));
      setBusy(false);
    }
  };

  return (
    <Gate
      title="Choose a password"
      lead="The one you signed in with works once. A few words you can remember make a good one."
      act="Change password"
      busy={busy}
      failed={failed}
      onSubmit={submit}
    >
      <input class="sr" name="user" autocomplete="username" value={session.get()?.user} readOnly tabIndex={-1} aria-hidden="true" />
      {!typed && (
        <label>
          Password you signed in with
          <input name="old" type="password" autocomplete="current-password" required />
        </label>
      )}
      <label>
        New password
        <input name="new" type="password" autocomplete="new-password" required autofocus />
      </label>
      <label>
        New password again
        <input name="again" type="password" autocomplete="new-password" required />
      </label>
    </Gate>
  );
}
