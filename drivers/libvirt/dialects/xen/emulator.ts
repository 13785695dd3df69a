import { randomUUID } from 'node:crypto';
import { isAnswer } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { element } from '#drivers/xml/tree.js';
import type { Daemon } from '../../daemon.js';
import { createFlags } from '../../rpc/flags.js';
import { domainCreateXml, domainDestroyFlags } from '../../rpc/procedures.js';
import { newOs } from './mode.js';

/** libvirt tells where Xen's own build has it, whether it is there or not; Debian has it elsewhere. */
export const emulatorsBeside = (told: string | undefined): readonly string[] => [
  ...(told === undefined ? [] : [told]),
  '/usr/libexec/xen-qemu-system-i386',
];

/** The QEMU that an HVM machine has for its devices; undefined where the host has none of these. */
export async function findEmulator(paths: readonly string[], daemon: Daemon, signal: AbortSignal): Promise<string | undefined> {
  for (const path of paths) if (await isThere(path, daemon, signal)) return path;
  return undefined;
}

/**
 * libvirt looks for the emulator first when it builds a machine, and refuses one that is not there by its path. This machine is refused at the
 * latest for its disk, a Qcow2 to be served by the host's kernel, before anything of it gets to Xen.
 */
async function isThere(path: string, daemon: Daemon, signal: AbortSignal): Promise<boolean> {
  try {
    const domain = await daemon.order(domainCreateXml, { xml: unbuildable(path), flags: createFlags.paused }, signal);
    await daemon.order(domainDestroyFlags, { domain, flags: 0 }, signal);
    return true;
  } catch (reason) {
    if (!isAnswer(reason)) throw reason;
    return !reason.message.includes(path);
  }
}

const unbuildable = (emulator: string): string =>
  serializeXml(
    element(
      'domain',
      { type: 'xen' },
      element('name', {}, `virtwright-probe-${randomUUID()}`),
      element('memory', { unit: 'MiB' }, '16'),
      element('vcpu', {}, '1'),
      newOs('HVM', 'x86_64'),
      element(
        'devices',
        {},
        element('emulator', {}, emulator),
        element(
          'disk',
          { type: 'file', device: 'disk' },
          element('driver', { name: 'phy', type: 'qcow2' }),
          element('source', { file: '/nowhere/virtwright-probe' }),
          element('target', { dev: 'xvda', bus: 'xen' }),
        ),
      ),
    ),
  );
