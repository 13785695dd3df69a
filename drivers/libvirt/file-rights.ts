import { execFile } from 'node:child_process';
import { dirname } from 'node:path/posix';
import { promisify } from 'node:util';

/** A user of this host, with the group that it has first. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface Found {
  /** Octal, as in `chmod`. */
  readonly mode: string;
  /** As in 64055:110. */
  readonly owner: string;
}

type Want = 'search' | 'read' | 'write to';

/** Whether that user may; where it may not, or nobody could ask, what it is about. */
export type Permission =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no'; readonly want: Want; readonly path: string }
  | { readonly kind: 'unknown'; readonly want: Want; readonly path: string; readonly because: string };

/** A program of its own asks the kernel: on a store whose server is away, whoever asks hangs, and a thread of ours must not. */
const run = promisify(execFile);
const tests: Record<Want, string> = { search: '-x', read: '-r', 'write to': '-w' };

/** Undefined when it is not to be seen. */
export async function look(path: string): Promise<Found | undefined> {
  const { stdout } = await run('stat', ['--format=%a %u:%g', '--', path]).catch(() => ({ stdout: '' }));
  const [mode, owner] = stdout.trim().split(' ');
  return mode === undefined || owner === undefined ? undefined : { mode, owner };
}

/** The kernel itself is asked, as that user with all of its groups: nobody else knows what access lists say. */
export async function may(want: Want, path: string, identity: Identity): Promise<Permission> {
  const unknown = (because: string): Permission => ({ kind: 'unknown', want, path, because });
  if (process.getuid?.() !== 0) return unknown('this program is not root here, and cannot ask as another user');
  if ((await look(path)) === undefined) return unknown('it is not to be seen from here');
  try {
    await asThatUser([tests[want], path], identity);
    return { kind: 'yes' };
  } catch (reason) {
    return isNo(reason) ? { kind: 'no', want, path } : unknown(`setpriv could not ask: ${wordsOf(reason)}`);
  }
}

async function asThatUser(test: readonly string[], { uid, gid }: Identity): Promise<void> {
  const as = (groups: string) => run('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, groups, '--', 'test', ...test]);
  // A user of no name has no groups to begin with.
  await as('--init-groups').catch((reason) => (isNo(reason) ? Promise.reject(reason) : as('--clear-groups')));
}

/** `test` says no without a word; setpriv ends in the same way with words, as where root may not become somebody else. */
const isNo = (reason: unknown): boolean =>
  reason instanceof Error && 'code' in reason && reason.code === 1 && 'stderr' in reason && reason.stderr === '';

function wordsOf(reason: unknown): string {
  const said = reason instanceof Error && 'stderr' in reason ? String(reason.stderr).trim() : '';
  return said === '' ? String(reason) : said;
}

/** Whether that user may search this directory and each above it. Of those that it may not, the uppermost is told. */
export async function mayGetTo(directory: string, identity: Identity): Promise<Permission> {
  const above: Permission = directory === '/' ? { kind: 'yes' } : await mayGetTo(dirname(directory), identity);
  if (above.kind === 'no') return above;
  const here = await may('search', directory, identity);
  return here.kind === 'yes' ? above : here;
}

/** To what is in a file that lies there. */
export async function mayUse(file: string, identity: Identity): Promise<Permission> {
  const onTheWay = await mayGetTo(dirname(file), identity);
  if (onTheWay.kind !== 'yes') return onTheWay;
  const reading = await may('read', file, identity);
  return reading.kind === 'yes' ? await may('write to', file, identity) : reading;
}
