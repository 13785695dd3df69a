import { execFile } from 'node:child_process';
import { dirname } from 'node:path/posix';
import { promisify } from 'node:util';
import { within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { connectGetCapabilities } from './rpc/procedures.js';
import { readQemuIdentity } from './xml/capabilities.js';

/** As whom QEMU runs. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** A program of its own asks the kernel: on a store whose server is away, whoever asks hangs, and a thread of ours must not. */
const run = promisify(execFile);
const answerMs = 5_000;

interface Found {
  readonly mode: string;
  readonly owner: string;
}

/** Undefined when it is not to be seen. */
async function look(path: string): Promise<Found | undefined> {
  const { stdout } = await run('stat', ['--format=%a %u:%g', '--', path]).catch(() => ({ stdout: '' }));
  const [mode, owner] = stdout.trim().split(' ');
  return mode === undefined || owner === undefined ? undefined : { mode, owner };
}

/** Undefined when it is root, who may do everything, when the daemon does not say, or when its files are not to be seen from here. */
async function qemuIdentity(daemon: Daemon, signal: AbortSignal): Promise<Identity | undefined> {
  if (!daemon.connection.isLocal) return undefined;
  const identity = readQemuIdentity(await daemon.ask(connectGetCapabilities, undefined, signal));
  return identity?.uid === 0 ? undefined : identity;
}

/**
 * The kernel itself is asked, as that user with all of its groups: nobody else knows what access lists say. True too when it cannot be
 * asked here: without root, without setpriv, or where the path is not to be seen.
 */
async function may(what: '-x' | '-r' | '-w', path: string, { uid, gid }: Identity): Promise<boolean> {
  const as = (groups: string) => run('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, groups, '--', 'test', what, path]);
  if (process.getuid?.() !== 0 || (await look(path)) === undefined) return true;
  try {
    // A user of no name has no groups to begin with.
    await as('--init-groups').catch((reason) =>
      reason.code === 1 && reason.stderr === '' ? Promise.reject(reason) : as('--clear-groups'),
    );
    return true;
  } catch (reason) {
    return !(reason instanceof Error && 'code' in reason && reason.code === 1);
  }
}

/** The first directory on the way to this one that QEMU may not search. */
async function closedOnTheWayTo(directory: string, identity: Identity): Promise<string | undefined> {
  const above = directory === '/' ? undefined : await closedOnTheWayTo(dirname(directory), identity);
  return above ?? ((await may('-x', directory, identity)) ? undefined : directory);
}

/** Before a machine is tried: Denied, with the remedy, when QEMU cannot get to what is in this directory; TimedOut when nobody can. */
export async function checkAccess(
  daemon: Daemon,
  pool: string,
  directory: string,
  signal: AbortSignal,
  options: { readonly answerMs: number } = { answerMs },
): Promise<void> {
  const identity = await qemuIdentity(daemon, signal);
  if (identity === undefined) return;
  const what = `pool "${pool}" at ${directory}`;
  // What hangs is left to hang: nothing ends it.
  const closed = await within(options.answerMs, what, closedOnTheWayTo(directory, identity), signal, silent);
  if (closed === undefined) return;
  throw new DriverError('Denied', `${what}: ${await described(closed, 'search', identity)}; ${open(closed)}`);
}

const silent = 'the directory does not answer; see whether the server that it is mounted from is there';

const open = (directory: string): string => `let it ("chmod o+x ${directory}"), or choose a directory below /var/lib`;

async function described(path: string, verb: 'search' | 'read' | 'write to', { uid, gid }: Identity): Promise<string> {
  const found = await look(path);
  const has = found === undefined ? '' : ` (mode ${found.mode}, owner ${found.owner})`;
  return `QEMU runs as ${uid}:${gid}, which may not ${verb} ${path}${has}`;
}

const security: readonly (readonly [RegExp, string])[] = [
  [
    /unable to set user and group to .*: (Operation not permitted|Invalid argument)/i,
    'the store does not let root give files away, as NFS with root_squash: export it with no_root_squash, or set dynamic_ownership = 0 in qemu.conf and give the files to the user that QEMU runs as',
  ],
  [
    /apparmor/i,
    'AppArmor keeps QEMU from it: look for apparmor="DENIED" in the kernel log of the host, and allow the path in /etc/apparmor.d/local/abstractions/libvirt-qemu, or choose a directory below /var/lib/libvirt/images',
  ],
  [/unable to set security context/i, 'the store keeps no SELinux labels, as NFS: allow virt_use_nfs, or set security_driver in qemu.conf'],
];

const deniedPath = /(?:Could not open|[Cc]annot access storage file) '([^']+)'.*Permission denied|'([^']+)'.*: Permission denied/s;

/** What lies behind a start that failed for a lack of permission, with the remedy; the reason as it is when it failed for another one. */
export async function explained(
  daemon: Daemon,
  reason: unknown,
  signal: AbortSignal,
  options: { readonly answerMs: number } = { answerMs },
): Promise<unknown> {
  if (!(reason instanceof DriverError)) return reason;
  const [, remedy] = security.find(([words]) => words.test(reason.message)) ?? [];
  const [, opened, other] = deniedPath.exec(reason.message) ?? [];
  const path = opened ?? other;
  if (remedy === undefined && path === undefined) return reason;
  // Who could not look in time knows nothing of the file.
  const unseen = remedy ?? lookThere;
  const because =
    path === undefined ? undefined : await within(options.answerMs, path, whyDenied(daemon, path, signal), signal).catch(() => unseen);
  const words = because ?? remedy ?? (daemon.connection.isLocal ? labels : lookThere);
  return new DriverError('Denied', `${reason.message.trim()}: ${words}`, { cause: reason });
}

const lookThere =
  'see on the host whether the user that QEMU runs as may search each directory on the way, and read and write the file; then look for DENIED in its kernel log';

const labels =
  'the owner and the mode of the file are not what hinders, so AppArmor or SELinux is likely to: look for DENIED in the kernel log of the host';

async function whyDenied(daemon: Daemon, path: string, signal: AbortSignal): Promise<string | undefined> {
  const identity = await qemuIdentity(daemon, signal);
  if (identity === undefined) return undefined;
  const closed = await closedOnTheWayTo(dirname(path), identity);
  if (closed !== undefined) return `${await described(closed, 'search', identity)}; ${open(closed)}`;
  for (const [what, verb] of [
    ['-r', 'read'],
    ['-w', 'write to'],
  ] as const)
    if (!(await may(what, path, identity)))
      return `${await described(path, verb, identity)}; set dynamic_ownership = 1 in qemu.conf, so that libvirt gives it the file, or "chown ${identity.uid}:${identity.gid} ${path}"`;
  return undefined;
}
