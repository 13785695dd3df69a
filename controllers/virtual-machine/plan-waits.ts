import type { Machine } from '#drivers/driver.js';
import { type Plan, refuse, wait } from '../plan.js';
import type { DesiredMachine } from './desired.js';
import { defaultInterface, type Revoked } from './interfaces.js';

/** The host's default is for new machines: one that is there keeps what it got, also when the default is another by now, or none. */
export function attachedFor(desired: DesiredMachine, { configured, live }: Machine): DesiredMachine {
  if (desired.networkByDefault !== true) return desired;
  const { missingNetworks: _, definition, ...rest } = desired;
  const its = (configured ?? live)?.interfaces.filter(({ name }) => name === defaultInterface) ?? [];
  return { ...rest, definition: { ...definition, interfaces: its.map(({ name, network }) => ({ name, network })) } };
}

/** What it refers to and cannot have. A machine that runs goes on; it is neither changed nor started until all is there. */
export function planWaits(desired: DesiredMachine, machine?: Machine): Plan<never> {
  const { missing = [], missingNetworks = [], missingSeed = [], revoked = [], duplicates = [], ungranted = [] } = desired;
  const { missingPassword, ungrantedShares } = desired;
  // One that has a password keeps it.
  const asksNobody = (machine?.configured ?? machine?.live)?.graphics?.password === undefined;
  const attached = (machine?.configured ?? machine?.live)?.interfaces ?? [];
  const moreShares = (desired.definition.cpuShares ?? 0) > ((machine?.configured ?? machine?.live)?.cpuShares ?? 0);
  const isAttached = ({ name, network, vlan }: Revoked) =>
    attached.some((one) => one.name === name && one.network === network && one.vlan === vlan);
  const refused = revoked.filter((one) => !isAttached(one));
  const networks = [...missingNetworks, ...refused.map(({ because }) => because)];
  return [
    ...(missing.length === 0 ? [] : [wait('WaitingForVolumes', `waiting for ${missing.join(', ')}`, 60_000)]),
    ...(networks.length === 0 ? [] : [wait('WaitingForNetworks', `waiting for ${networks.join(', ')}`, 60_000)]),
    ...(missingSeed.length === 0 ? [] : [wait('WaitingForSeed', `waiting for ${missingSeed.join(', ')}`, 60_000)]),
    ...(missingPassword !== undefined && asksNobody ? [wait('WaitingForPassword', `waiting for ${missingPassword}`, 60_000)] : []),
    ...duplicates.map((because) => refuse('DuplicateMacAddress', because)),
    ...ungranted.map((because) => refuse('NotGranted', because)),
    ...(ungrantedShares !== undefined && moreShares ? [refuse('NotGranted', ungrantedShares)] : []),
  ];
}
