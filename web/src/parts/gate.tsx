// The one form on an otherwise empty page: signing in, choosing a password.

import type { ComponentChildren } from 'preact';

interface Props {
  title: string;
  lead?: string;
  act: string;
  busy: boolean;
  failed: string;
  onSubmit: (form: FormData) => void;
  children: ComponentChildren;
}

export function Gate(p: Props) {
  return (
    <main class="gate">
      <form
        class="card"
        onSubmit={e => {
          e.preventDefault();
          p.onSubmit(new FormData(e.currentTarget));
        }}
      >
        <div class="brand">
          <svg width="32" height="32" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" class="ground" />
            <path d="M5 17h6l3-8 5 15 3-7h5" class="pulse" />
          </svg>
          <span>Galen</span>
        </div>
        <h1>{p.title}</h1>
        {p.lead && <p class="note">{p.lead}</p>}
        {p.children}
        <p class="error" role="alert">
          {p.failed}
        </p>
        <button type="submit" class="primary" disabled={p.busy}>
          {p.act}
        </button>
      </form>
    </main>
  );
}
