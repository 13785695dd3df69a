import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Io } from '../command.js';
import { Complaint, Failure } from '../complaint.js';
import { oneLine } from '../output/text.js';
import { type Placed, parseManifests } from './parse.js';

export const fileFlags = {
  filename: {
    kind: 'texts',
    short: 'f',
    value: 'FILE',
    help: 'a file, a folder with .yaml, .yml and .json files, or - for standard input',
  },
  recursive: { kind: 'switch', short: 'R', help: 'folders with all that is below them' },
} as const;

/** All objects in these files, in the order they stand there. Throws a Failure that names the file and the place. */
export async function readManifests(names: readonly string[], recursive: boolean, { stdin }: Io): Promise<readonly Placed[]> {
  if (names.length === 0) throw new Complaint('no file given: name one with -f FILE, or - for standard input');
  if (names.filter((name) => name === '-').length > 1) throw new Complaint('-f - given twice, accepted once: standard input has one end');
  const placed: Placed[] = [];
  for (const name of names) {
    if (name === '-') placed.push(...parseManifests(await text(stdin), 'standard input'));
    else for (const file of await filesOf(name, recursive)) placed.push(...parseManifests(await readWhole(file), oneLine(file)));
  }
  if (placed.length === 0) throw new Failure(`nothing to apply in ${names.map((name) => `"${oneLine(name)}"`).join(', ')}`);
  return refuseTwins(placed);
}

async function filesOf(name: string, recursive: boolean): Promise<readonly string[]> {
  if (/^https?:\/\//.test(name)) throw new Complaint(`"${name}" given, accepted is a file: curl -fsS ${name} | virtwright apply -f -`);
  const found = await stat(name).catch((reason: NodeJS.ErrnoException) => fail(name, reason));
  if (!found.isDirectory()) return [name];
  const entries = await readdir(name, { withFileTypes: true, recursive }).catch((reason: NodeJS.ErrnoException) => fail(name, reason));
  const files = entries
    .filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return files.sort();
}

/** No larger than can be meant: a device or a pipe that never ends is not read for ever. */
const largest = 64 * 2 ** 20;

async function readWhole(name: string): Promise<string> {
  try {
    await using file = await open(name);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > largest) throw new Failure(`${oneLine(name)}: larger than ${largest / 2 ** 20} MiB`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (reason) {
    if (reason instanceof Failure) throw reason;
    return fail(name, reason as NodeJS.ErrnoException);
  }
}

function fail(name: string, { code }: NodeJS.ErrnoException): never {
  throw new Failure(`${oneLine(name)}: cannot be read (${code})`);
}

/** Which of the two is meant nobody knows. */
function refuseTwins(placed: readonly Placed[]): readonly Placed[] {
  const seen = new Map<string, string>();
  for (const { manifest, where } of placed) {
    const { apiVersion, kind, metadata } = manifest;
    const key = JSON.stringify([apiVersion, kind, metadata.namespace, metadata.name]);
    const before = seen.get(key);
    if (before !== undefined)
      throw new Failure(`${where}: ${kind} "${oneLine(metadata.name)}" stands in ${before} as well; accepted is one of them`);
    seen.set(key, where);
  }
  return placed;
}
