import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { GuestAddress, GuestSight, Machine } from '#drivers/driver.js';
import { type Finding, isFalse, isTrue } from '../conditions.js';
import { addressKey, type GuestKnown, isSince } from '../host/guests-view.js';
import type { ObservedMachine } from './desired.js';
import { bootNumber } from './record.js';

type Interface = NonNullable<VirtualMachineStatus['interfaces']>[number];
type Address = NonNullable<Interface['addresses']>[number];
type Guest = NonNullable<VirtualMachineStatus['guest']>;

export interface ToldGuest {
  /** By the interface's name. */
  readonly addresses: ReadonlyMap<string, readonly Address[]>;
  readonly guest?: Guest;
  readonly conditions: Readonly<Record<string, Finding>>;
}

const mostAddresses = 16;

/** What status tells of the guest: of this boot and these MAC addresses alone. Until it was looked at after an agent's start, what was told before. */
export function tellGuest({ status: before }: VirtualMachine, { machine, guest, record }: ObservedMachine): ToldGuest {
  const boot = bootNumber(record);
  const isSameBoot = before?.run?.bootId === String(boot);
  const known = guest?.boot === boot ? guest : undefined;
  if (machine?.power.state !== 'On' && machine?.power.state !== 'Paused') return { addresses: new Map(), conditions: notOn(before) };
  const told = new Map((isSameBoot ? (before?.interfaces ?? []) : []).map(({ name, addresses = [] }) => [name, addresses]));
  if (known === undefined) return isSameBoot ? asBefore(before, told) : { addresses: new Map(), conditions: notYet(before) };
  const addresses = addressesOf(machine, known, told, record.boot?.at ?? 0);
  const found = guestOf(known.sight);
  return {
    addresses,
    ...(found === undefined ? {} : { guest: found }),
    conditions: {
      ...(machine.live?.interfaces.length ? { AddressKnown: addressKnown(addresses) } : {}),
      ...(known.sight.agent === undefined ? {} : { GuestAgentConnected: agentConnected(known.sight.agent) }),
    },
  };
}

function addressesOf(
  { live }: Machine,
  { sight, early }: GuestKnown,
  told: ReadonlyMap<string, readonly Address[]>,
  bootedAt: number,
): ReadonlyMap<string, readonly Address[]> {
  const interfaces = (live?.interfaces ?? []).map(({ name, macAddress }) => {
    const said = new Set((told.get(name) ?? []).map(({ ip }) => ip));
    const isOfThisBoot = (address: GuestAddress) => {
      if (address.source === 'Agent') return true;
      if (address.since !== undefined) return isSince(address.since, { at: bootedAt });
      return !early.includes(addressKey(address)) || said.has(address.ip);
    };
    const its = sight.addresses.filter((one) => one.macAddress === macAddress && isWorthTelling(one) && isOfThisBoot(one));
    return [name, distinct(its)] as const;
  });
  return new Map(interfaces);
}

/** Each once, by whom knows best; the IPv4 ones first. */
function distinct(addresses: readonly GuestAddress[]): readonly Address[] {
  const ranks = { Agent: 0, Lease: 1, ARP: 2 } as const;
  const isSix = ({ ip }: GuestAddress) => Number(ip.includes(':'));
  const ordered = [...addresses].sort((a, b) => isSix(a) - isSix(b) || ranks[a.source] - ranks[b.source] || (a.ip < b.ip ? -1 : 1));
  const unique = ordered.filter(({ ip }, at) => ordered.findIndex((other) => other.ip === ip) === at);
  return unique.slice(0, mostAddresses).map(({ ip, source }) => ({ ip, source }));
}

/** A guest may say anything. An address that means something on its link alone is nowhere to go to. */
const isWorthTelling = ({ ip }: GuestAddress): boolean =>
  /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(ip) && ip.length <= 45 && !/^fe80:/i.test(ip);

const plain = (text: string | undefined, most: number): string | undefined => text?.replace(/\p{C}/gu, ' ').slice(0, most);

function guestOf({ hostname, os }: GuestSight): Guest | undefined {
  if (hostname === undefined && os === undefined) return undefined;
  const words = Object.entries(os ?? {}).map(([name, text]) => [name, plain(text, 128)]);
  return {
    ...(hostname === undefined ? {} : { hostname: plain(hostname, 253) ?? '' }),
    ...(words.length === 0 ? {} : { os: Object.fromEntries(words) }),
  };
}

function addressKnown(addresses: ReadonlyMap<string, readonly Address[]>): Finding {
  const [first] = [...addresses.values()].flat();
  return first === undefined
    ? isFalse(
        'NoAddress',
        'no address of this boot is known: no agent or integration services of the guest told one, nor did the host see one',
      )
    : isTrue('AddressKnown');
}

const agentConnected = (agent: NonNullable<GuestSight['agent']>): Finding => {
  switch (agent) {
    case 'Connected':
      return isTrue('Connected');
    case 'Silent':
      return isFalse('Silent', 'the agent is connected, and does not answer; restart it in the guest');
    case 'Disconnected':
      return isFalse('Disconnected', 'no agent in the guest has opened the channel; install qemu-guest-agent there');
  }
};

const types = ['AddressKnown', 'GuestAgentConnected'] as const;

export const conditionsOf = (
  before: VirtualMachineStatus | undefined,
  findingOf: (finding: Finding) => Finding,
): Readonly<Record<string, Finding>> =>
  Object.fromEntries(
    types.flatMap((type) => {
      const found = before?.conditions?.find((one) => one.type === type);
      return found === undefined ? [] : [[type, findingOf(found)]];
    }),
  );

const notOn = (before: VirtualMachineStatus | undefined) => conditionsOf(before, () => isFalse('NotRunning'));
const notYet = (before: VirtualMachineStatus | undefined) => conditionsOf(before, () => isFalse('Booting'));

const asBefore = (before: VirtualMachineStatus | undefined, addresses: ReadonlyMap<string, readonly Address[]>): ToldGuest => ({
  addresses,
  ...(before?.guest === undefined ? {} : { guest: before.guest }),
  conditions: conditionsOf(before, ({ status, reason, message = '' }) => ({ status, reason, message })),
});
