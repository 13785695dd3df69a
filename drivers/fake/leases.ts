import type { GuestAddress, NetworkShape } from '#drivers/driver.js';
import type { FakeMachine } from './machine.js';

/** The DHCP servers of a fake host's networks: each interface gets the next address of the first range, and keeps it. */
export class Leases {
  readonly #given = new Map<string, string>();

  /** `since`: when it was asked, in epoch milliseconds. None where a network has no range, or has given all of it away. */
  of({ live }: FakeMachine, since: number, shapeOf: (network: string) => NetworkShape | undefined): readonly GuestAddress[] {
    return (live?.interfaces ?? []).flatMap(({ macAddress, network }) => {
      const ip =
        macAddress === undefined ? undefined : (this.#given.get(`${network} ${macAddress}`) ?? this.#next(network, shapeOf(network)));
      if (macAddress === undefined || ip === undefined) return [];
      this.#given.set(`${network} ${macAddress}`, ip);
      return [{ macAddress, ip, source: 'Lease' as const, since }];
    });
  }

  #next(network: string, shape: NetworkShape | undefined): string | undefined {
    const [range] = shape?.ipv4?.ranges ?? [];
    if (range === undefined) return undefined;
    const count = [...this.#given.keys()].filter((key) => key.startsWith(`${network} `)).length;
    const next = numberOf(range.start) + count;
    return next > numberOf(range.end) ? undefined : textOf(next);
  }
}

const numberOf = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const textOf = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
