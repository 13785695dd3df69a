import { counted, sum } from './counters.js';
import { type Part, short } from './figures.js';
import type { Size } from './life.js';

/** Tables for people, and one JSON line for programs. */
export function report(size: Size, parts: readonly Part[]): void {
  console.table(
    parts.map(({ name, seconds, load, waits, controller, agents, apiServer }) => ({
      part: name,
      seconds: short(seconds),
      'p50 (s)': waits && short(waits.p50),
      'p95 (s)': waits && short(waits.p95),
      'p99 (s)': waits && short(waits.p99),
      'controller CPU (s)': short(controller.cpuSeconds),
      'agents CPU (s)': short(agents.cpuSeconds),
      'API server CPU (s)': short(apiServer.cpuSeconds),
      'controller MiB (peak)': `${short(controller.rssMiB)} (${short(controller.peakMiB)})`,
      'API server MiB': short(apiServer.rssMiB),
      'agent MiB (peak)': `${short(agents.rssMiB / size.agents)} (${short(agents.peakMiB / size.agents)})`,
      load: short(load),
    })),
  );
  const created = parts.find(({ name }) => name === 'created');
  if (created?.waits !== undefined) {
    console.table(perMachine(created, size.machines));
    const own = sum(created.servedSeconds, (what) => /^(virtualmachines|storagevolumes)/.test(what)) / size.machines;
    console.log(
      `from asked to Ready: ${short(created.waits.mean)} s on average; the API server itself was at a machine's writes for ${short(own)} s`,
    );
  }
  for (const { name, served } of parts) console.log(`served writes, ${name}: ${counted(served)}`);
  console.log(JSON.stringify({ size, parts }));
}

/** Writes of one machine's making, by who wrote, and how long the API server was at them. */
function perMachine({ writes, servedSeconds, served }: Part, machines: number): Record<string, object> {
  const rows: Record<string, object> = {};
  for (const who of ['controller', 'agents'] as const)
    for (const [what, count] of Object.entries(writes[who])) rows[`${who}: ${what}`] = { 'per machine': short(count / machines) };
  for (const [what, seconds] of Object.entries(servedSeconds))
    rows[`served: ${what}`] = {
      'per machine': short((served[what] ?? 0) / machines),
      'server took (ms each)': short((seconds * 1_000) / Math.max(served[what] ?? 0, 1)),
    };
  return rows;
}
