// The pictures of the README. Run by readme.py.
import { end, expect, open, page, screen, signIn, test } from './browser.mjs';

await signIn();
const pictures = {
  advice: [800, '/host?host=mq-01&range=5m', '[data-rule] .uplot, [data-rule] canvas'],
  console: [1400, '/host?host=mq-01&range=5m', '[data-chart=cpu]'],
};
for (const [name, [height, path, sign]] of Object.entries(pictures))
  await test(name, async () => {
    await page.setViewportSize({ width: 1280, height });
    await open(path);
    await page.waitForSelector(sign, { timeout: 10_000 });
    await new Promise(r => setTimeout(r, 6000));
    await screen(name);
    return expect(true);
  });
await end([/^401 /]);
