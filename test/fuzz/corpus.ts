import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from './target.js';

/** Seen from `dist/test/fuzz/`. */
const top = fileURLToPath(new URL('../../../test/fuzz/corpus', import.meta.url));

/** What a fuzzer once found to lead somewhere new, or to break something: by file name, which is of its content. */
export function corpusOf({ name }: Target): ReadonlyMap<string, Buffer> {
  const folder = join(top, name);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Gives the path it is kept at. */
export function keep({ name }: Target, bytes: Uint8Array): string {
  const folder = join(top, name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash('sha256').update(bytes).digest('hex').slice(0, 16));
  writeFileSync(path, bytes);
  return path;
}
