// The picker of the range that all charts of a page share.

import type { TimeRange } from '../model/range';
import { CHOICES, lastRange, rangeText } from '../model/range';
import { setParams } from '../router';
import { zone } from '../units';

export function RangePicker({ range }: { range: TimeRange }) {
  const chosen = range.kind === 'last' ? CHOICES.find(c => c.seconds === range.seconds)?.id : 'fixed';
  return (
    <label class="picker">
      <span class="sr">Time range</span>
      <select
        value={chosen}
        title={`Times are local (${zone()})`}
        onChange={e => setParams(lastRange(e.currentTarget.value))}
      >
        {range.kind === 'fixed' && <option value="fixed">{rangeText(range)}</option>}
        {CHOICES.map(c => (
          <option key={c.id} value={c.id}>
            {c.text}
          </option>
        ))}
      </select>
    </label>
  );
}
