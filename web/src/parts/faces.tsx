// The faces of a page or card whose content is not there: loading, empty, failed, forbidden.
// (Stale is the content itself, muted, with its age beside it.)

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon';

const SHAPE_AFTER_MS = 150;
const WORDS_AFTER_MS = 1000;

/** Nothing at first, then a grey shape of the final size, then words: a quick answer never blinks. */
export function Loading({ what, height = 160 }: { what: string; height?: number }) {
  const [stage, setStage] = useState(0);
  useEffect(() => {
    const timers = [setTimeout(() => setStage(1), SHAPE_AFTER_MS), setTimeout(() => setStage(2), WORDS_AFTER_MS)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return (
    <div class={`face loading${stage > 0 ? ' seen' : ''}`} style={{ minHeight: height }} role="status">
      {stage > 1 && what}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="face">{children}</div>;
}

export function Failed({ err, retry }: { err: Error; retry?: () => void }) {
  return (
    <div class="face failed" role="alert">
      <Icon name="down" label="Failed" />
      <span>{err.message}</span>
      {retry && (
        <button type="button" onClick={retry}>
          Retry
        </button>
      )}
    </div>
  );
}

export function Forbidden({ what, role }: { what: string; role: string }) {
  return (
    <p class="note forbidden">
      Only {role}s may {what}. Ask an admin.
    </p>
  );
}
