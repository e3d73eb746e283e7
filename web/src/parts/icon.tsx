// Every shape the console uses, drawn on a 16 x 16 grid. A shape that carries meaning gets a text
// name; one beside its own word is decoration and hidden from screen readers.

const SHAPES: Record<string, preact.JSX.Element> = {
  // states: shape tells them apart without colour
  healthy: <circle cx="8" cy="8" r="5" class="solid" />,
  attention: <path d="M8 2.5 14.5 13.5h-13z" class="solid" />,
  down: <rect x="3" y="3" width="10" height="10" rx="1" class="solid" />,
  silent: <circle cx="8" cy="8" r="4.5" />,
  paused: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  // classes of advice
  increase: <path d="M8 13V3.5M3.8 7.7 8 3.5l4.2 4.2" />,
  decrease: <path d="M8 3v9.5M3.8 8.3 8 12.5l4.2-4.2" />,
  upgrade: <path d="M8 3v10M3 8h10" />,
  nochange: <path d="M3.5 6h9M3.5 10h9" />,
  // verdicts
  helped: <path d="m3 8.5 3.3 3.3L13 4.5" />,
  noeffect: <path d="M2 9c2-4 4-4 6-1s4 3 6-1" />,
  harmed: <path d="m4 4 8 8M12 4l-8 8" />,
  checking: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 5v3.2l2 1.3" />
    </>
  ),
  // pages
  fleet: <path d="M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01" />,
  advice: <path d="M5.6 10.2a4.3 4.3 0 1 1 4.8 0c-.5.4-.7.8-.7 1.3H6.3c0-.5-.2-.9-.7-1.3zM6.5 13.8h3" />,
  results: <path d="M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6" />,
  explore: <path d="m3 4.5 3.5 3.5L3 11.5M8.5 12h5" />,
  alerts: <path d="M3.5 11.5c1.2-1.2 1.2-2.8 1.2-4.5a3.3 3.3 0 0 1 6.6 0c0 1.7 0 3.3 1.2 4.5zM6.8 13.8h2.4" />,
  data: <path d="M3 4c0-2 10-2 10 0s-10 2-10 0v8c0 2 10 2 10 0V4M3 8c0 2 10 2 10 0" />,
  settings: <path d="M2.5 5h6M12 5h1.5M2.5 11H4M7.5 11h6M10.2 3.3v3.4M5.8 9.3v3.4" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" />,
  // acts
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  copy: <path d="M5.5 5.5h7.5v8H5.5zM3 10.5v-8h7.5" />,
  table: <path d="M2.5 3h11v10h-11zM2.5 6.5h11M7 6.5V13" />,
  chart: <path d="M2.5 2.5v11h11M4.5 10.5 7.5 7l2.2 2 3.3-4.5" />,
  print: <path d="M4.5 5.5v-3h7v3M4.5 11.5h-2v-6h11v6h-2M4.5 9.5h7v4h-7z" />,
  trash: <path d="M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  play: <path d="M5 3.2 12.5 8 5 12.8z" />,
  link: <path d="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2.2-2.2A2.6 2.6 0 0 0 9 3.3L8 4.3M9.2 6.8a2.6 2.6 0 0 0-3.7 0L3.3 9A2.6 2.6 0 0 0 7 12.7l1-1" />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />
    </>
  ),
  moon: <path d="M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z" />,
  system: <path d="M2.5 3h11v8h-11zM6 13.5h4" />,
  user: (
    <>
      <circle cx="8" cy="5.5" r="2.7" />
      <path d="M2.8 13.5c.8-2.6 2.8-3.7 5.2-3.7s4.4 1.1 5.2 3.7" />
    </>
  ),
  right: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  offline: <path d="M2.5 2.5l11 11M4 8.2A6.5 6.5 0 0 1 6 7M9.8 6.9A6.5 6.5 0 0 1 12 8.2M6.2 10.6a3 3 0 0 1 3.6 0M8 13h.01" />,
};

export function Icon({ name, label, size = 16 }: { name: string; label?: string; size?: number }) {
  const naming = label ? { role: 'img' as const, 'aria-label': label } : { 'aria-hidden': true };
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" {...naming}>
      {SHAPES[name]}
    </svg>
  );
}
