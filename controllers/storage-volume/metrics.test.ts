import { Registry } from 'prom-client';
import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { createFillMetrics } from './metrics.js';

t.test('what fills volumes is counted, with what it stored and how it ended', async (t) => {
  const registry = new Registry();
  const metrics = createFillMetrics(registry);
  const { signal } = new AbortController();
  const heard: number[] = [];
  const progress = (bytes: number) => void heard.push(bytes);
  await metrics.metered('Image', async (tell) => [10, 30].forEach(tell))(progress, signal);
  await t.rejects(
    metrics.metered('Image', async (tell) => {
      tell(5);
      throw new DriverError('Internal', 'no', { cause: new DriverError('Exhausted', 'no room') });
    })(progress, signal),
    { code: 'Internal' },
  );
  await metrics.metered('Clone', async () => {})(progress, signal);
  t.same(heard, [10, 30, 5], 'whoever waits for it hears as much');
  const text = await registry.metrics();
  for (const line of [
    'virtwright_volume_fills_total{source="Image",code="OK"} 1',
    'virtwright_volume_fills_total{source="Image",code="Exhausted"} 1',
    'virtwright_volume_fills_total{source="Clone",code="OK"} 1',
    'virtwright_volume_filled_bytes_total{source="Image"} 35',
  ])
    t.ok(text.includes(line), line);
});
