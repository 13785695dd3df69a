import { codes, Refusal } from '../cim/codes.js';
import type { Device } from './device.js';
import type { Host } from './host.js';
import type { Machine } from './machine.js';

export const imagesOf = ({ devices, words }: Pick<Machine, 'devices' | 'words'>): readonly Device[] =>
  devices.filter(({ values }) => values['ResourceType'] === words.types.image);

export const fileOf = ({ words }: Pick<Machine, 'words'>, image: Device): string => [image.values[words.file] ?? ''].flat()[0] ?? '';

/** The machine that has the file open, other than `than`: a differencing disk and all beneath it. */
export function userOf(host: Host, file: string, than?: Machine): Machine | undefined {
  const { store } = host.options;
  const isIt = (each: string) => each.toLowerCase() === file.toLowerCase();
  const has = (machine: Machine) => imagesOf(machine).some((image) => store.chain(fileOf(machine, image)).some(isIt));
  return [...host.machines.values()].find((machine) => machine !== than && machine.state !== 'off' && has(machine));
}

/** @throws Refusal */
export function mustNotBeInUse(host: Host, file: string): void {
  if (userOf(host, file) !== undefined)
    throw new Refusal(codes.inUse, `The process cannot access the file '${file}' because it is being used by another process.`);
}

/** A disk with checkpoints would be another one beneath what is kept as differences from it. @throws Refusal */
export function mustNotBeBeneath(host: Host, file: string): void {
  const { store } = host.options;
  const isBeneath = (over: string) => store.chain(over).some((each) => each.toLowerCase() === file.toLowerCase());
  const machine = [...host.machines.values()].find(({ overlays }) => overlays.some(isBeneath));
  if (machine !== undefined) throw new Refusal(codes.failed, `'${file}' belongs to '${machine.name}', which has checkpoints.`);
}
