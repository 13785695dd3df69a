import type { MachineShape } from '#drivers/driver.js';

type Named = { readonly name: string };
type Part = ReadonlyMap<string, unknown>;

const the = (value: unknown): Part => new Map([['', value]]);
const each = <T extends Named>(all: readonly T[], value: (one: T) => unknown): Part => new Map(all.map((one) => [one.name, value(one)]));

/** What can change in what stays: by name, where there are several. */
const parts: Readonly<Record<string, (shape: MachineShape) => Part>> = {
  'cpu.count': ({ cpuCount }) => the(cpuCount),
  'cpu.shares': ({ cpuShares }) => the(cpuShares),
  'container.limits': ({ container }) => the(container?.limits ?? {}),
  'memory.size': ({ memoryBytes }) => the(memoryBytes),
  'devices.graphics.password': ({ graphics }) => the(graphics?.password),
  'disks.limits': ({ disks }) => each(disks, ({ limits = {} }) => limits),
  'disks.cdrom': ({ cdroms = [] }) => each(cdroms, ({ location }) => location),
  'interfaces.network': ({ interfaces }) => each(interfaces, ({ network }) => network),
  'interfaces.linkState': ({ interfaces }) => each(interfaces, ({ linkState = 'Up' }) => linkState),
};

const text = (value: unknown): string => JSON.stringify(value) ?? '';

/** Fields of which something that was there before is otherwise now, and as it is configured. */
export function changes(before: MachineShape, live: MachineShape, configured: MachineShape): readonly string[] {
  return Object.entries(parts).flatMap(([field, of]) => {
    const [was, wanted] = [of(before), of(configured)];
    const isChanged = [...of(live)].some(
      ([name, now]) => was.has(name) && wanted.has(name) && text(was.get(name)) !== text(now) && text(wanted.get(name)) === text(now),
    );
    return isChanged ? [field] : [];
  });
}

export interface Coming {
  readonly field: 'disks' | 'interfaces';
  readonly verb: 'live.plug' | 'live.unplug';
  /** The bus of a disk. */
  readonly word?: string;
}

/** What came and went, as it is configured. */
export function comings(before: MachineShape, live: MachineShape, configured: MachineShape): readonly Coming[] {
  return (['disks', 'interfaces'] as const).flatMap((field) => {
    const has = (shape: MachineShape, name: string) => shape[field].some((one) => one.name === name);
    const came = live[field].filter(({ name }) => !has(before, name) && has(configured, name));
    const went = before[field].filter(({ name }) => !has(live, name) && !has(configured, name));
    return [
      ...came.map((one): Coming => ({ field, verb: 'live.plug', ...('bus' in one && { word: one.bus }) })),
      ...(went.length > 0 ? [{ field, verb: 'live.unplug' } as const] : []),
    ];
  });
}
