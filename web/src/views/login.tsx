// Sign in.

import { useState } from 'preact/hooks';
import * as api from '../api';
import { Gate } from '../parts/gate';
import { cell, session } from '../store';

/** The password just typed, so that choosing a new one does not ask for it again. */
export const typedPassword = cell('');

export function LoginView() {
  const [failed, setFailed] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (form: FormData): Promise<void> => {
    const user = String(form.get('user'));
    const password = String(form.get('password'));
    setBusy(true);
    try {
      const who = await api.login(user, password);
      typedPassword.set(who.must_change_password ? password : '');
      session.set(who);
    } catch (e) {
      const wait = e instanceof api.ApiError && e.retryAfterS ? ` Try again in ${e.retryAfterS} s.` : '';
      setFailed((e instanceof Error ? e.message : String(e)) + wait);
      setBusy(false);
    }
  };

  return (
    <Gate title="Sign in" act="Sign in" busy={busy} failed={failed} onSubmit={submit}>
      <label>
        User
        <input name="user" autocomplete="username" autocapitalize="none" required autofocus />
      </label>
      <label>
        Password
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
    </Gate>
  );
}
