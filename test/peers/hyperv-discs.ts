import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Driver, MachineDefinition, SeedKind } from '#drivers/driver.js';
import { fileOf, imagesOf } from '#simulators/hyperv/model/files.js';
import { definition, hypervWithFiles, mark, soon, usualFolder } from './hyperv-host.js';

/** Of some length, so that it takes more than one message. */
const image = (word: string, length = 90_000) => Buffer.from(word.repeat(Math.ceil(length / word.length))).subarray(0, length);
export const [first, second] = [image('first '), image('second ', 70_000)];
export const told = (name: string, content: Uint8Array, kind: SeedKind = 'CloudInit'): MachineDefinition => ({
  ...definition,
  seed: { kind, location: name, content },
});
export const config = Buffer.from('{"ignition":{"version":"3.4.0"}}');
export const isChange = (what: string): boolean => /\.(Add|Remove|Modify|Delete|Destroy|Define)/.test(what);

/** A host with a folder for discs, and what is in it and in its machine. */
export async function withDiscs(t: Test, mode: 'v1' | 'v2') {
  const host = await hypervWithFiles(t, mode);
  const { simulator, driver, folder } = host;
  const disks = join(folder, usualFolder);
  const machine = () => {
    const found = simulator.machineNamed(definition.nativeName);
    if (found === undefined) throw new Error('no machine');
    return found;
  };
  const { types } = simulator.host.words;
  const count = (type: string) => machine().devices.filter(({ values }) => values['ResourceType'] === type).length;
  const place = (file: string) => join(folder, ...file.replace(/^([a-z]):/i, (_, letter) => letter.toUpperCase()).split('\\'));
  /** What is in the machine's drives for discs that are ours, as its guest reads it. */
  const discs = async () => {
    const files = imagesOf(machine()).map((one) => fileOf(machine(), one));
    return Promise.all(
      files
        .filter((file) => file.includes('-seed-'))
        .map(async (file) => readFile(join(disks, place(file).slice(place(file).lastIndexOf('/') + 1)))),
    );
  };
  const tell = (asked: MachineDefinition, by: Driver = driver) => by.machines.define(asked, mark, soon());
  const shape = async (id: string) => (await host.read(id))?.configured;
  const changes = () => simulator.host.asked.filter(isChange).length;
  return { ...host, machine, discs, tell, shape, changes, disks, files: () => readdir(disks), drives: () => count(types.dvdDrive) };
}
