import { anyOf } from '#drivers/deadline.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { present, unlessGone, unlessUnknown } from './gone.js';
import { listDomainsFlags } from './rpc/flags.js';
import type { Procedure } from './rpc/procedure.js';
import {
  connectListAllDomains,
  domainBlockStats,
  domainGetInfo,
  domainGetXmlDesc,
  domainInterfaceStats,
  domainMemoryStats,
} from './rpc/procedures.js';
import type { DomainHandle, StatsRecord, TypedParam } from './rpc/types.js';

/** libvirt's numbers of what a machine tells of its memory, all in KiB. */
const memoryTags: Readonly<Record<number, string>> = { 4: 'unused', 5: 'available', 6: 'current', 7: 'rss', 8: 'usable' };

/**
 * The same records as CONNECT_GET_ALL_DOMAIN_STATS gives, for drivers of libvirt's that have no call for many machines: each that runs is
 * asked by itself, at the same time as the others, as far as the lane lets through. One that does not answer is left out.
 */
export async function recordsSingly(daemon: Daemon, signal: AbortSignal): Promise<readonly StatsRecord[]> {
  const running = await daemon.ask(connectListAllDomains, { elementsWanted: undefined, flags: listDomainsFlags.active }, signal);
  return present(await Promise.all(running.map((domain) => unlessSilent(recordOf(daemon, domain, signal), signal))));
}

/** A host that is lost, or a caller who gave up, ends it all. */
function unlessSilent<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return asked.catch((reason) => {
    if (signal.aborted || !silences.has((reason as { readonly code?: string }).code ?? '')) throw reason;
    return undefined;
  });
}

const silences: ReadonlySet<string> = new Set(['NotFound', 'Conflict', 'Busy', 'TimedOut', 'Internal']);
/** Of one device: what its machine keeps from us is not asked again for the next. */
const absences: ReadonlySet<string> = new Set(['NotFound', 'Conflict', 'Internal']);

/** For all that is asked of one machine, in milliseconds; a scrape waits no longer for it. */
const patience = 4_000;

/** By the lane of guests: figures keep nobody from starting and stopping a machine. */
async function recordOf(daemon: Daemon, domain: DomainHandle, until: AbortSignal): Promise<StatsRecord> {
  const { signal, [Symbol.dispose]: letGo } = anyOf([until, AbortSignal.timeout(patience)]);
  try {
    return await recordBy((procedure, args) => daemon.consult(procedure, args, signal, `${domain.uuid}: figures`), domain);
  } finally {
    letGo();
  }
}

async function recordBy(ask: Ask, domain: DomainHandle): Promise<StatsRecord> {
  const devices = child(parseXml(await ask(domainGetXmlDesc, { domain, flags: 0 }), 'domain XML'), 'devices');
  const info = await ask(domainGetInfo, { domain });
  const memory = (await unlessUnknown(ask(domainMemoryStats, { domain, most: 16, flags: 0 }))) ?? [];
  const told = new Map(memory.map(({ tag, value }) => [memoryTags[tag], value]));
  const groups = [
    { 'cpu.time': info.cpuTime },
    ...[...told].flatMap(([name, value]) => (name === undefined ? [] : [{ [`balloon.${name}`]: value }])),
    told.has('current') ? {} : { 'balloon.current': info.memory },
    ...(await blocksOf(ask, domain, devices)),
    ...(await interfacesOf(ask, domain, devices)),
  ];
  return { domain, params: groups.flatMap(paramsOf) };
}

type Ask = <Args, Result>(procedure: Procedure<Args, Result>, args: Args) => Promise<Result>;
type Group = Readonly<Record<string, bigint | string>>;

/** What is gone by now, or is not counted here, has no numbers. */
const counted = <T>(asked: Promise<T>): Promise<T | undefined> => unlessGone(unlessUnknown(asked)).catch(unlessLost);

function unlessLost(reason: unknown): undefined {
  if (!absences.has((reason as { readonly code?: string }).code ?? '')) throw reason;
}

const targetsOf = (devices: XmlElement | undefined, kind: 'disk' | 'interface'): readonly string[] =>
  elements(devices, kind).flatMap((each) => attribute(child(each, 'target'), 'dev') ?? []);

async function blocksOf(ask: Ask, domain: DomainHandle, devices: XmlElement | undefined): Promise<readonly Group[]> {
  const groups: Group[] = [];
  for (const target of targetsOf(devices, 'disk')) {
    const stats = await counted(ask(domainBlockStats, { domain, path: target }));
    if (stats === undefined) continue;
    const { readBytes, readRequests, writtenBytes, writeRequests } = stats;
    const prefix = `block.${groups.length}`;
    groups.push({
      [`${prefix}.name`]: target,
      [`${prefix}.rd.bytes`]: readBytes,
      [`${prefix}.rd.reqs`]: readRequests,
      [`${prefix}.wr.bytes`]: writtenBytes,
      [`${prefix}.wr.reqs`]: writeRequests,
    });
  }
  return [...groups, { 'block.count': BigInt(groups.length) }];
}

async function interfacesOf(ask: Ask, domain: DomainHandle, devices: XmlElement | undefined): Promise<readonly Group[]> {
  const groups: Group[] = [];
  for (const target of targetsOf(devices, 'interface')) {
    const stats = await counted(ask(domainInterfaceStats, { domain, path: target }));
    if (stats === undefined) continue;
    const { received, sent } = stats;
    const way = (name: 'rx' | 'tx', { bytes, packets, errors, dropped }: typeof received): Group => ({
      [`net.${groups.length}.${name}.bytes`]: bytes,
      [`net.${groups.length}.${name}.pkts`]: packets,
      [`net.${groups.length}.${name}.errs`]: errors,
      [`net.${groups.length}.${name}.drop`]: dropped,
    });
    groups.push({ [`net.${groups.length}.name`]: target, ...way('rx', received), ...way('tx', sent) });
  }
  return [...groups, { 'net.count': BigInt(groups.length) }];
}

const paramsOf = (group: Group): readonly TypedParam[] =>
  Object.entries(group).map(([field, value]) => ({
    field,
    value: typeof value === 'string' ? { kind: 'string', value } : { kind: 'ullong', value },
  }));
