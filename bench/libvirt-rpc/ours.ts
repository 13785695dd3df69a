import { connectLibvirt } from '#drivers/libvirt/connect.js';
import type { Connection } from '#drivers/libvirt/rpc/connection.js';
import { statsGroups } from '#drivers/libvirt/rpc/flags.js';
import { connectGetAllDomainStats, connectListAllDomains, domainGetState } from '#drivers/libvirt/rpc/procedures.js';
import { domainByUuid } from '#drivers/libvirt/rpc/types.js';
import { median, now } from '../apply-to-ready/measure.js';
import { type Contender, type Figures, type Load, measured } from './contender.js';

const control = { lane: 'control' } as const;
const forever = new AbortController().signal;

/** Questions under way at a time, of which the client itself has but a few with the daemon. */
const abreast = 64;

/** Our own client, in this process. */
export async function ours(uri: string, machine: string, load: Load): Promise<Contender> {
  const connection = await connectLibvirt(uri, {}, forever);
  const domain = domainByUuid(machine);
  const ask = () => connection.call(domainGetState, { domain, flags: 0 }, control, forever);
  return {
    name: 'Virtwright',
    round: async () => ({ ...(await latency(ask, load.calls)), ...(await throughput(ask, load.manyCalls)), ...(await bulk(connection)) }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

type Ask = () => Promise<unknown>;

async function latency(ask: Ask, calls: number): Promise<Figures> {
  for (let call = 0; call < calls / 4; call += 1) await ask();
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) {
    const begun = now();
    await ask();
    times.push(now() - begun);
  }
  return { [measured.latency]: median(times) * 1e6, [measured.latencyCpu]: (cpuSince(cpu) / calls) * 1e6 };
}

async function throughput(ask: Ask, calls: number): Promise<Figures> {
  let left = calls;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await ask();
    }
  };
  const [begun, cpu] = [now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: abreast }, work));
  return { [measured.throughput]: calls / (now() - begun), [measured.throughputCpu]: (cpuSince(cpu) / calls) * 1e6 };
}

async function bulk(connection: Connection): Promise<Figures> {
  const listed = await timed(() => connection.call(connectListAllDomains, { elementsWanted: undefined, flags: 0 }, control, forever));
  const what = { domains: [], stats: statsGroups.state, flags: 0 };
  const told = await timed(() => connection.call(connectGetAllDomainStats, what, control, forever));
  return { [measured.list]: listed, [measured.stats]: told };
}

/** In milliseconds. */
async function timed(ask: () => Promise<unknown>): Promise<number> {
  const begun = now();
  await ask();
  return (now() - begun) * 1e3;
}

/** In seconds, of all threads of this process. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
