// A column's head that sorts: the order stands in the address.

import type { ComponentChildren } from 'preact';
import type { Order } from '../model/sorting';
import { clicked } from '../model/sorting';
import { setParams } from '../router';

interface Props<K extends string> {
  by: K;
  now: Order<K>;
  usual: Order<K>;
  numeric?: boolean;
  children: ComponentChildren;
}

export function SortHead<K extends string>(p: Props<K>) {
  const mine = p.now.key === p.by;
  return (
    <th class={p.numeric ? 'num' : ''} aria-sort={mine ? (p.now.down ? 'descending' : 'ascending') : undefined}>
      <button
        type="button"
        class="sorter"
        onClick={() => setParams({ sort: clicked(p.by, p.now, p.usual, Boolean(p.numeric)) }, true)}
      >
        {p.children}
        <span aria-hidden="true">{mine ? (p.now.down ? '▾' : '▴') : ''}</span>
      </button>
    </th>
  );
}
