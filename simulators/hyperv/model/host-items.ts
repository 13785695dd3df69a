import { codes, Refusal } from '../cim/codes.js';
import { type CimObject, textOfValue } from '../cim/object.js';
import type { Machine } from './machine.js';

/** As Microsoft documents it, of one call. */
const mostItems = 128;
/** In characters of UTF-16, without the one that ends them: what a guest's end of it has room for. */
const [longestName, longestData] = [255, 1023];

/** None of them may be there. @throws Refusal, and nothing is changed */
export function addItems(machine: Machine, given: readonly CimObject[]): void {
  const items = decoded(given);
  if (items.some(([name]) => machine.hostItems.has(name))) invalid('One of these key-value pairs exists.');
  write(machine, new Map([...machine.hostItems, ...items]));
}

/** All of them must be there. @throws Refusal, and nothing is changed */
export function modifyItems(machine: Machine, given: readonly CimObject[]): void {
  const items = decoded(given);
  if (items.some(([name]) => !machine.hostItems.has(name))) invalid('One of these key-value pairs does not exist.');
  write(machine, new Map([...machine.hostItems, ...items]));
}

/** Those that are not there are gone already. @throws Refusal, and nothing is changed */
export function removeItems(machine: Machine, given: readonly CimObject[]): void {
  const names = decoded(given).map(([name]) => name);
  write(machine, new Map([...machine.hostItems].filter(([name]) => !names.includes(name))));
}

function write(machine: Machine, items: ReadonlyMap<string, string>): void {
  machine.hostItems = items;
  machine.writes += 1;
  machine.configuredAt = Date.now();
}

function decoded(given: readonly CimObject[]): readonly (readonly [name: string, data: string])[] {
  if (given.length === 0 || given.length > mostItems) invalid(`At most ${mostItems} key-value pairs are taken at a time.`);
  return given.map((each) => {
    const [name, data, source] = [textOfValue(each, 'Name') ?? '', textOfValue(each, 'Data') ?? '', textOfValue(each, 'Source')];
    if (each.className !== 'Msvm_KvpExchangeDataItem' || source !== '0') invalid('That is no key-value pair of the host.');
    if (name === '' || name.length > longestName || data.length > longestData) invalid('A key or a value is too long.');
    return [name, data];
  });
}

function invalid(message: string): never {
  throw new Refusal(codes.invalidParameter, message);
}
