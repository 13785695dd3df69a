import type { Capability, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { beside, refuses } from '#drivers/within.js';
import { type Asked, askedOf } from './asked.js';

/** Whose words a definition is refused in. */
export interface Told {
  /** As people call the host: `bhyve`. */
  readonly host: string;
  readonly capabilities: readonly Capability[];
}

/**
 * Refuses whatever is asked and not told: a dialect tells what it has, and need not list what it has not.
 * @throws DriverError Unsupported for a field that the host has not, Invalid for a value that it does not accept
 */
export function mustFit(definition: MachineDefinition, { host, capabilities }: Told): void {
  const all = askedOf(definition);
  const isAsked = (field: string, value: string) => all.some(([one, given]) => one === field && given === value);
  for (const asked of all) {
    const told = capabilities.find(({ field }) => field === asked[0]);
    if (told === undefined) throw new DriverError('Unsupported', `${inWords(asked)} was given; accepted: nothing, as ${host} has none`);
    const capability = beside(told, isAsked);
    if (refuses(capability)) throw new DriverError('Unsupported', `${inWords(asked)} was given; accepted: nothing (${capability.reason})`);
    const accepted = refusedBy(capability, asked);
    if (accepted !== undefined) throw new DriverError('Invalid', `${inWords(asked)} was given; accepted: ${accepted}`);
  }
}

const inWords = ([field, given]: Asked): string => (given === 'true' ? field : `${field}: ${given}`);

/** What would be accepted instead; undefined when this is. */
function refusedBy({ values, min = -Infinity, max = Infinity, reason }: Capability, [, given]: Asked): string | undefined {
  const because = reason === undefined ? '' : ` (${reason})`;
  if (values !== undefined && !values.includes(String(given))) return `${values.join(', ')}${because}`;
  if (typeof given === 'string' || (given >= min && given <= max)) return undefined;
  return given < min ? `at least ${min}${because}` : `at most ${max}${because}`;
}
