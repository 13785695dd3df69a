import type { Capability } from '#drivers/driver.js';
import { describeUnfit, type Unfit } from '../fit.js';
import type { Difference } from './difference.js';
import { seedFields } from './seed-kind.js';

/**
 * What a change takes, the mildest first. `Live`: nothing that the guest takes part in. `Hotplug`: hardware comes or goes while it runs.
 * `NextBoot`: it is read when the machine starts, and makes no difference before. `Restart`: the machine off and on. `Recreate`: the machine
 * made anew from its disks. `Impossible`: another host, or another wish.
 */
export type ChangeClass = (typeof changeClasses)[number];
export const changeClasses = ['Live', 'Hotplug', 'NextBoot', 'Restart', 'Recreate', 'Impossible'] as const;

/** What may be done without anybody saying so at the time. */
export type AllowedClass = Extract<ChangeClass, 'Live' | 'Hotplug' | 'Restart' | 'Recreate'>;
export const usuallyAllowed: readonly AllowedClass[] = ['Live', 'Hotplug'];

export interface Judged {
  readonly class: ChangeClass;
  /** For people. */
  readonly reason: string;
}

export interface Circumstances {
  /** Of the host, as it is connected. */
  readonly capabilities: readonly Capability[];
  /** The machine is not Off. */
  readonly running: boolean;
  /** What of the wish the host does not accept. */
  readonly misfits?: readonly Unfit[];
  readonly host?: string;
}

/** What this change takes on that host. Pure: the controller, status and `plan` all ask this. */
export function classOf(difference: Difference, { capabilities, running, misfits = [], host = 'the host' }: Circumstances): Judged {
  const misfit = misfits.find(({ path }) => path === difference.field || path.startsWith(`${difference.field}.`));
  if (misfit !== undefined) return { class: 'Impossible', reason: describeUnfit(misfit, host) };
  const anew = capabilities.find(({ field, change }) => change === 'Recreate' && `spec.${field}` === difference.field);
  if (anew !== undefined)
    return { class: 'Recreate', reason: `${host} cannot change it in a machine that is there${inBrackets(anew.reason)}` };
  if (!running) return { class: 'Live', reason: 'the machine is off' };
  return ofRunning(difference, capabilities);
}

const inBrackets = (reason: string | undefined): string => (reason === undefined ? '' : ` (${reason})`);

function ofRunning({ field, part, takes, letsGo, because }: Difference, capabilities: readonly Capability[]): Judged {
  if (part === undefined && isReadAtStart(field)) return { class: 'NextBoot', reason: 'is read when the machine starts' };
  const off = { class: 'Restart', reason: because ?? 'changes only with the machine off' } as const;
  if (part === undefined) return off;
  const changes = takes.map(({ field: taken, value }) => {
    const found = capabilities.find((one) => one.field === taken);
    const fits = found?.values === undefined || value === undefined || found.values.includes(value);
    return fits ? found?.change : undefined;
  });
  if (changes.some((change) => change !== 'Live' && change !== 'Hotplug')) return off;
  if (!changes.includes('Hotplug')) return { class: 'Live', reason: 'changes while the machine runs' };
  const guest = letsGo ? '; its guest has to let go of it' : '';
  return { class: 'Hotplug', reason: `hardware comes or goes while the machine runs${guest}` };
}

const readAtStart: ReadonlySet<string> = new Set([
  'spec.boot.order',
  'spec.boot.kernel.volumeRef',
  'spec.boot.kernel.initrdVolumeRef',
  'spec.boot.kernel.commandLine',
  'spec.container.init',
  ...Object.values(seedFields).map((field) => `spec.${field}`),
]);

/** What only firmware, a kernel or what runs first looks at, once. */
const isReadAtStart = (field: string): boolean => readAtStart.has(field);
