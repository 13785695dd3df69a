import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Complaint } from '#cli/complaint.js';
import { cannotListen, isListenError } from '#cli/listening.js';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';

export interface SimulateFlags {
  readonly listen: string;
  readonly mode: 'v1' | 'v2';
  readonly folder?: string | undefined;
  readonly username: string;
  readonly 'password-file'?: string | undefined;
  readonly basic: boolean;
  readonly 'job-time': string;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** Stays until the signal ends. `say` is told of what whoever called it has to know. */
export async function simulateHyperV(flags: SimulateFlags, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const folder = flags.folder ?? (await mkdtemp(join(tmpdir(), 'virtwright-hyperv-')));
  try {
    await mkdir(join(folder, 'C/Hyper-V/Virtual Hard Disks'), { recursive: true });
    const { password, from } = await passwordOf(flags, folder);
    await using simulator = await started({ ...(await optionsOf(flags)), folder, users: [{ name: flags.username, password }] });
    const { host } = addressOf(flags.listen);
    say(
      `a simulated Hyper-V host (${flags.mode}) is up at ${flags.certificate === undefined ? 'http' : 'https'}://${host}:${simulator.port}/wsman`,
    );
    say(`user ${flags.username}; its password is in ${from}; the host's drive C: is ${join(folder, 'C')}`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    if (flags.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** A password is made up where none is given, and shown to nobody but who may read the file. */
async function passwordOf(flags: SimulateFlags, folder: string): Promise<{ readonly password: string; readonly from: string }> {
  const from = flags['password-file'] ?? join(folder, 'password');
  if (flags['password-file'] === undefined) await writeFile(from, randomBytes(12).toString('base64url'), { mode: 0o600 });
  const password = (await contentOf('--password-file', from)).replace(/\r?\n$/, '');
  if (password === '') throw new Complaint(`--password-file: ${from} is empty`);
  return { password, from };
}

async function optionsOf(flags: SimulateFlags): Promise<Omit<SimulatorOptions, 'folder' | 'users'>> {
  const jobMs = Number(flags['job-time']);
  if (!Number.isSafeInteger(jobMs) || jobMs < 0)
    throw new Complaint(`--job-time: "${flags['job-time']}" was given; accepted: milliseconds, as 200`);
  const certificate = await certificateOf(flags);
  return {
    ...addressOf(flags.listen),
    mode: flags.mode,
    jobMs,
    ...(certificate === undefined ? {} : { certificate }),
    ways: flags.basic ? { basic: true, unencrypted: true } : {},
  };
}

async function certificateOf({ certificate, key }: SimulateFlags) {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) throw new Complaint('--certificate and --key are given together, or neither');
  return { cert: await contentOf('--certificate', certificate), key: await contentOf('--key', key) };
}

async function contentOf(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Complaint(`${flag}: ${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** `127.0.0.1:5985`, `[::1]:5985`, or a port of loopback. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:(?:\[(.*)\]|([^:]*)):)?(\d+)$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535)
    throw new Complaint(`--listen: "${text}" was given; accepted: HOST:PORT, as 127.0.0.1:5985, or a port of loopback`);
  return { host: bracketed ?? plain ?? '127.0.0.1', port: Number(port) };
}

async function started(options: SimulatorOptions): Promise<Simulator> {
  try {
    return await Simulator.start(options);
  } catch (cause) {
    if (!isListenError(cause)) throw cause;
    throw new Complaint(cannotListen('--listen', `${options.host}:${options.port}`, cause), { cause });
  }
}
