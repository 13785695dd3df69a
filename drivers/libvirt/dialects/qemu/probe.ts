import { randomUUID } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import type { Connection, RpcStream } from '../../rpc/connection.js';
import { consoleFlags, createFlags } from '../../rpc/flags.js';
import { domainCreateXml, domainOpenConsole, domainResume } from '../../rpc/procedures.js';

/** What a probe machine is made of: that of a real one. */
export interface Probed {
  readonly architecture: string;
  readonly machine: string;
  readonly emulator: string | undefined;
}

/** Whether guests run under KVM, and how that is known. */
export interface Finding {
  readonly works: boolean;
  readonly reason: string;
}

export type DomainType = 'kvm' | 'qemu';

/** How far a probe machine's firmware came. */
export interface Boot {
  /** Until it was done, in milliseconds; absent when it was not done in time. */
  readonly tookMs?: number;
  /** For people. */
  readonly outcome: string;
}

/** How long the firmware may take, in milliseconds. Usually it takes a fraction of a second, emulated about one. */
const patience = 10_000;

/** Fast enough, in milliseconds, whatever TCG takes: where so little is to be done, both may take as long. */
const fastEnough = 1_000;

/** How many times longer than under TCG is still no sign of a broken KVM. */
const tolerance = 4;

/** What the firmware says at the end of its own work. */
const finished = /Booting from|No bootable device/;

/**
 * Boots the same machine under KVM and under TCG, side by side so that the load is the same for both, and listens to their firmware.
 * That a /dev/kvm can be opened proves nothing, and neither does a first word under it: there are hosts where KVM is so broken that a few
 * lines take many seconds and a kernel never gets anywhere, while TCG boots it in three. Where KVM works it is several times faster.
 */
export async function probeKvm(open: (signal: AbortSignal) => Promise<Connection>, guest: Probed, signal: AbortSignal): Promise<Finding> {
  const [kvm, tcg] = await Promise.all([bootProbe(open, 'kvm', guest, signal), bootProbe(open, 'qemu', guest, signal)]);
  const works = kvm.tookMs !== undefined && kvm.tookMs < Math.max(fastEnough, tolerance * (tcg.tookMs ?? patience));
  return { works, reason: `KVM was tried: a probe machine's firmware ${kvm.outcome}; under TCG it ${tcg.outcome}` };
}

/**
 * Boots a machine without disks until its firmware is done. It is transient and dies with the connection, which is the probe's own:
 * nothing stays behind, whatever becomes of us.
 */
export async function bootProbe(
  open: (signal: AbortSignal) => Promise<Connection>,
  domainType: DomainType,
  guest: Probed,
  signal: AbortSignal,
): Promise<Boot> {
  await using connection = await open(signal);
  try {
    return await boot(connection, probeDomain(domainType, guest), signal);
  } catch (reason) {
    if (!(reason instanceof DriverError) || reason.code === 'Unavailable' || signal.aborted) throw reason;
    return { outcome: `did not start: ${reason.message}` };
  }
}

const slow = { lane: 'slow', timeoutMs: 30_000 } as const;

/** Started paused, so that the console is open before the first word. */
async function boot(connection: Connection, probe: XmlElement, signal: AbortSignal): Promise<Boot> {
  const flags = createFlags.paused | createFlags.autodestroy;
  const domain = await connection.call(domainCreateXml, { xml: serializeXml(probe), flags }, slow, signal);
  await using console = await connection.openStream(domainOpenConsole, { domain, device: undefined, flags: consoleFlags.force }, signal);
  await connection.call(domainResume, { domain }, slow, signal);
  const began = performance.now();
  const heard = await listen(console);
  if (!finished.test(heard)) return { outcome: `was not done within ${patience / 1000} s, and printed ${heard.length} characters` };
  const tookMs = performance.now() - began;
  return { tookMs, outcome: `was done in ${(tookMs / 1000).toFixed(1)} s` };
}

async function listen(console: RpcStream): Promise<string> {
  const timer = setTimeout(() => void console[Symbol.asyncDispose](), patience);
  let heard = '';
  try {
    for await (const bytes of console.output) {
      heard += Buffer.from(bytes).toString('latin1');
      if (finished.test(heard)) break;
    }
  } catch (reason) {
    // Letting go of the stream is how the time ends.
    if (!(reason instanceof DriverError)) throw reason;
  } finally {
    clearTimeout(timer);
  }
  return heard;
}

function probeDomain(domainType: DomainType, { architecture, machine, emulator }: Probed): XmlElement {
  return element(
    'domain',
    { type: domainType },
    element('name', {}, `virtwright-probe-${randomUUID()}`),
    element('memory', { unit: 'MiB' }, '16'),
    element('vcpu', {}, '1'),
    element('os', {}, element('type', { arch: architecture, machine }, 'hvm'), element('bios', { useserial: 'yes' })),
    element('on_reboot', {}, 'destroy'),
    element(
      'devices',
      {},
      emulator === undefined ? undefined : element('emulator', {}, emulator),
      element('controller', { type: 'usb', model: 'none' }),
      element('memballoon', { model: 'none' }),
      element('serial', { type: 'pty' }),
      element('console', { type: 'pty' }),
    ),
  );
}
