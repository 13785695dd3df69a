import type { Io } from '../command.js';

export type Paint = (text: string, colour: 'red' | 'green' | 'yellow' | 'bold') => string;

const codes = { red: 31, green: 32, yellow: 33, bold: 1 } as const;

/** On a terminal alone, and never where NO_COLOR is set (https://no-color.org). */
export function painter({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Paint {
  const wanted = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? (text, colour) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (text) => text;
}
