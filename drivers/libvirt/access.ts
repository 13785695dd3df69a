import { within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { type Identity, look, mayGetTo, mayUse, type Permission } from './file-rights.js';
import { connectGetCapabilities } from './rpc/procedures.js';
import { readQemuIdentity } from './xml/capabilities.js';

/** Undefined when the daemon does not say, or when its files are not to be seen from here. */
async function qemuIdentity(daemon: Daemon, signal: AbortSignal): Promise<Identity | undefined> {
  if (!daemon.connection.isLocal) return undefined;
  return readQemuIdentity(await daemon.ask(connectGetCapabilities, undefined, signal));
}

const isRoot = ({ uid }: Identity): boolean => uid === 0;

/**
 * Before a machine is tried: Denied, with the remedy, when QEMU cannot get to what is in this directory; TimedOut when nobody can. What nobody
 * could ask is left to QEMU to find out.
 */
export async function checkAccess(
  daemon: Daemon,
  pool: string,
  directory: string,
  signal: AbortSignal,
  options: { readonly answerMs: number } = { answerMs },
): Promise<void> {
  const identity = await qemuIdentity(daemon, signal);
  if (identity === undefined || isRoot(identity)) return;
  const what = `pool "${pool}" at ${directory}`;
  // What hangs is left to hang: nothing ends it.
  const permission = await within(options.answerMs, what, mayGetTo(directory, identity), signal, silent);
  if (permission.kind === 'no') throw new DriverError('Denied', `${what}: ${await refusal(permission, identity)}`);
}

const answerMs = 5_000;
const silent = 'the directory does not answer; see whether the server that it is mounted from is there';

/** What is missing, and the remedy. */
async function refusal({ want, path }: Permission & { kind: 'no' }, { uid, gid }: Identity): Promise<string> {
  const found = await look(path);
  const has = found === undefined ? '' : ` (mode ${found.mode}, owner ${found.owner})`;
  const remedy =
    want === 'search'
      ? `let it ("chmod o+x ${path}"), or choose a directory below /var/lib`
      : `set dynamic_ownership = 1 in qemu.conf, so that libvirt gives it the file, or "chown ${uid}:${gid} ${path}"`;
  return `QEMU runs as ${uid}:${gid}, which may not ${want} ${path}${has}; ${remedy}`;
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
  const hindrance =
    path === undefined ? unseen : await within(options.answerMs, path, whatHinders(daemon, path, signal), signal).catch(() => unseen);
  const words = hindrance.kind === 'found' ? hindrance.words : (remedy ?? hindrance.words);
  return new DriverError('Denied', `${reason.message.trim()}: ${words}`, { cause: reason });
}

/** What keeps QEMU from a file, what else it may be, or that nobody could look. */
interface Hindrance {
  readonly kind: 'found' | 'elsewhere' | 'unknown';
  readonly words: string;
}

const lookThere =
  'see on the host whether the user that QEMU runs as may search each directory on the way, and read and write the file; then look for DENIED in its kernel log';

/** Also when who looks gets no answer in time. */
const unseen: Hindrance = { kind: 'unknown', words: lookThere };

const labels =
  'the owner and the mode of the file are not what hinders, so AppArmor or SELinux is likely to: look for DENIED in the kernel log of the host';

async function whatHinders(daemon: Daemon, path: string, signal: AbortSignal): Promise<Hindrance> {
  const identity = await qemuIdentity(daemon, signal);
  if (identity === undefined) return unseen;
  const permission: Permission = isRoot(identity) ? { kind: 'yes' } : await mayUse(path, identity);
  switch (permission.kind) {
    case 'yes':
      return { kind: 'elsewhere', words: labels };
    case 'no':
      return { kind: 'found', words: await refusal(permission, identity) };
    case 'unknown':
      return { kind: 'unknown', words: `${unasked(permission, identity)}; ${lookThere}` };
  }
}

const unasked = ({ want, path, because }: Permission & { kind: 'unknown' }, { uid, gid }: Identity): string =>
  `QEMU runs as ${uid}:${gid}; whether that user may ${want} ${path} is unknown (${because})`;
