import type { Hypervisor, HypervisorStatusMaintenance, VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import { timestamp } from '../conditions.js';
import type { Choice } from './choose.js';

type Evacuation = NonNullable<VirtualMachineStatus['evacuation']>;

/**
 * What maintenance of its host means for a machine that is bound there. Whoever has left goes on; whoever has not may stay after all, once the
 * host is not to be emptied any more, or no other takes it by now. Pure.
 */
export function evacuationOf(
  machine: VirtualMachine,
  { metadata, spec }: Hypervisor,
  { choice, stillSuits }: Elsewhere,
  now: number,
): Evacuation | undefined {
  const before = machine.status?.evacuation;
  if (before?.leftAt !== undefined) return before;
  if (spec.maintenance !== 'Evacuate') return undefined;
  if (before?.requestedAt !== undefined && stillSuits(before.to)) return before;
  const from = metadata.name;
  const hindrance = hindranceOf(machine, from);
  if (hindrance !== undefined) return { from, ...hindrance };
  const chosen = choice();
  if (chosen.kind === 'place') return { from, to: chosen.hypervisor.metadata.name, requestedAt: before?.requestedAt ?? timestamp(now) };
  return { from, ...whyNowhere(chosen, from) };
}

/** Of the hosts but for its own, which takes no machines now. */
function whyNowhere({ reason, message, rejected }: Extract<Choice, { readonly kind: 'none' }>, from: string) {
  const others = rejected.filter(({ hypervisor }) => hypervisor !== from);
  const [nearest] = others;
  if (nearest === undefined && rejected.length > 0)
    return { reason: 'NoOtherHost', message: 'there is no other Hypervisor that spec.placement means' };
  const words = others.map((one) => `${one.hypervisor}: ${one.message}`).join('; ');
  return { reason: nearest?.reason ?? reason, message: (words || message).slice(0, longestMessage) };
}

/** What is known of other hosts. */
export interface Elsewhere {
  readonly choice: () => Choice;
  /** Whether the host that was chosen is there, ready and takes machines. */
  readonly stillSuits: (hypervisor: string | undefined) => boolean;
}

const longestMessage = 512;

/** What no other host could make up for. */
function hindranceOf({ spec, status }: VirtualMachine, from: string): Pick<Evacuation, 'reason' | 'message'> | undefined {
  if (spec.placement?.hypervisorRef?.name === from)
    return { reason: 'Pinned', message: `spec.placement.hypervisorRef names ${from}; take it out, and the machine can go` };
  const left = leftBehind(spec, status);
  if (left === undefined) return undefined;
  return { reason: 'FirmwareState', message: `${left} on ${from}; stop the machine for as long as ${from} is away` };
}

/** What of its firmware a host keeps, and no other could have. */
function leftBehind({ firmware }: VirtualMachine['spec'], status: VirtualMachineStatus | undefined): string | undefined {
  if (firmware?.tpm !== undefined) return 'spec.firmware.tpm: the state of its TPM stays';
  if (firmware?.type === 'UEFI') return 'spec.firmware.type: UEFI given, and its variables stay';
  if (firmware?.type === undefined && status?.hardware?.['firmware'] === 'UEFI')
    return 'status.hardware: its firmware is UEFI, and its variables stay';
  return undefined;
}

const mostNamed = 10;

/** How far the evacuation of a host is; undefined while none is asked for. Pure. */
export function maintenanceOf({ spec }: Hypervisor, machines: readonly VirtualMachine[]): HypervisorStatusMaintenance | undefined {
  if (spec.maintenance !== 'Evacuate') return undefined;
  const leaving = machines.filter(({ status }) => status?.evacuation?.requestedAt !== undefined);
  const reasons = machines
    .flatMap(({ metadata: { namespace, name }, status }) => {
      const { requestedAt, reason, message = '' } = status?.evacuation ?? {};
      return requestedAt !== undefined || reason === undefined ? [] : [{ namespace, name, reason, message }];
    })
    .sort((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
  return {
    machines: machines.length,
    leaving: leaving.length,
    staying: reasons.length,
    ...(reasons.length === 0 ? {} : { reasons: reasons.slice(0, mostNamed) }),
  };
}
