import { inAscii } from '#drivers/ascii.js';
import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { VersionLimits } from './wmi/limits.js';

/** As Ignition's provider for Hyper-V reads it (coreos/ignition, internal/providers/hyperv): the values of `ignition.config.0`, `.1` and so on, joined. */
const prefix = 'ignition.config.';
/** What it would take in place of them. */
export const wholeItem = 'ignition.config';

export const isPiece = (name: string): boolean => /^ignition\.config\.\d+$/.test(name);

/** In characters, with its first and its last written as \u: containers/libhvee cuts at 990, and a value has room for 1023. */
const pieceLength = 980;

/** @throws DriverError Invalid */
export function checkSeed({ seed }: Pick<MachineDefinition, 'seed'>, limits: VersionLimits): void {
  if (seed?.kind === 'Ignition' && seed.content !== undefined) piecesOf(seed.content, limits.ignitionBytes);
}

/**
 * The configuration as items of a machine, by name. It is the same JSON in printable ASCII, with no blanks between its words and at the ends of a value: so
 * that nothing on the way, which is XML within XML, reads any of it otherwise.
 * @throws DriverError Invalid, which tells nothing of what is in it
 */
export function piecesOf(config: Uint8Array, maxBytes: number): ReadonlyMap<string, string> {
  const text = jsonIn(config);
  const bytes = inAscii(text).length;
  if (bytes > maxBytes)
    refuse(
      `${bytes} bytes were given${bytes === config.length ? '' : ', with \\u for what is not ASCII'}`,
      `at most ${maxBytes}; have it fetch the rest (ignition.config.replace)`,
    );
  const dense = inAscii(text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1'));
  const count = Math.ceil(dense.length / pieceLength);
  const piece = (at: number) => dense.slice(at * pieceLength, (at + 1) * pieceLength).replace(/^ | $/g, '\\u0020');
  return new Map(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, piece(at)]));
}

function jsonIn(config: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(config);
    JSON.parse(text);
    return text;
  } catch {
    return refuse('something else was given', 'JSON in UTF-8');
  }
}

function refuse(given: string, accepted: string): never {
  throw new DriverError('Invalid', `ignition: ${given}; accepted: ${accepted}`);
}
