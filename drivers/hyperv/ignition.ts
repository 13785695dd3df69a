import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { VersionLimits } from './wmi/limits.js';

/** As Ignition's provider for Hyper-V reads it (coreos/ignition, internal/providers/hyperv): the values of `ignition.config.0`, `.1` and so on, joined. */
const prefix = 'ignition.config.';
/** What it would take in place of them. */
export const wholeItem = 'ignition.config';

export const isPiece = (name: string): boolean => /^ignition\.config\.\d+$/.test(name);

/** In characters: as containers/libhvee cuts it. A value has room for 1023. */
const pieceLength = 990;

/** @throws DriverError Unsupported or Invalid */
export function checkSeed({ seed }: Pick<MachineDefinition, 'seed'>, limits: VersionLimits): void {
  if (seed === undefined) return;
  if (seed.kind !== 'Ignition')
    throw new DriverError('Unsupported', `seed: ${seed.kind} was given; accepted on Hyper-V: Ignition, or a disc that has it`);
  if (seed.content !== undefined) piecesOf(seed.content, limits.ignitionBytes);
}

/**
 * The configuration as items of a machine, by name. It is the same JSON in printable ASCII, with no blanks between its words: so that nothing on the way,
 * which is XML within XML, reads any of it otherwise.
 * @throws DriverError Invalid, which tells nothing of what is in it
 */
export function piecesOf(config: Uint8Array, maxBytes: number): ReadonlyMap<string, string> {
  const text = plainJson(config);
  if (Math.max(config.length, text.length) > maxBytes)
    refuse(
      `${Math.max(config.length, text.length)} bytes were given`,
      `at most ${maxBytes}; have it fetch the rest (ignition.config.replace)`,
    );
  const count = Math.ceil(text.length / pieceLength);
  return new Map(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, text.slice(at * pieceLength, (at + 1) * pieceLength)]));
}

function plainJson(config: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(config);
    JSON.parse(text);
    const dense = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
    return dense.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  } catch {
    return refuse('something else was given', 'JSON in UTF-8');
  }
}

function refuse(given: string, accepted: string): never {
  throw new DriverError('Invalid', `ignition: ${given}; accepted: ${accepted}`);
}
