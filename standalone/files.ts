import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair, Subject } from './certificates.js';

/** What a server has in its folder, but for its objects. All of it is for its owner alone. */
export interface Files {
  readonly authority: string;
  readonly server: KeyPair;
  readonly admin: KeyPair;
  /** What Secrets are sealed with. */
  readonly sealingKey: Uint8Array;
  readonly objects: string;
  readonly kubeconfig: string;
}

/** A certificate is renewed when it has less than this left, in milliseconds. */
const renewedBeforeMs = 30 * 24 * 60 * 60_000;

export async function prepareFiles(folder: string): Promise<Files> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const authority = await pairIn(folder, 'ca', async () => (await maker()).makeAuthority('virtwright-standalone'));
  const leaf = (name: string, subject: Subject) => pairIn(folder, name, async () => (await maker()).issue(authority, subject));
  const server = await leaf('server', { name: 'CN=localhost', use: 'server', hosts: ['127.0.0.1', 'localhost', '::1'] });
  const admin = await leaf('admin', { name: 'O=system:masters, CN=admin', use: 'client' });
  const sealingKey = await kept(join(folder, 'sealing.key'), () => randomBytes(32));
  return {
    authority: authority.certificate,
    server,
    admin,
    sealingKey,
    objects: join(folder, 'objects.mdb'),
    kubeconfig: join(folder, 'kubeconfig'),
  };
}

/** Loaded only where something is to be made: that takes as long as all else of a start. */
const maker = () => import('./certificates.js');

/** Milliseconds since 1970. */
const expiryOf = (certificate: string): number => Date.parse(new X509Certificate(certificate).validTo);

async function pairIn(folder: string, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const [certificatePath, keyPath] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const known = await Promise.all([readFile(certificatePath, 'utf8'), readFile(keyPath, 'utf8')]).catch(() => undefined);
  if (known !== undefined && expiryOf(known[0]) - Date.now() > renewedBeforeMs) return { certificate: known[0], key: known[1] };
  const made = await make();
  await writePrivate(keyPath, made.key);
  await writePrivate(certificatePath, made.certificate);
  return made;
}

async function kept(path: string, make: () => Uint8Array): Promise<Uint8Array> {
  const known = await readFile(path).catch(() => undefined);
  if (known !== undefined) return known;
  const made = make();
  await writePrivate(path, made);
  return made;
}

/** Whole or not at all, and on disk when it resolves. */
export async function writePrivate(path: string, content: string | Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** JSON is YAML. */
export function kubeconfigText(url: string, authority: string, { certificate, key }: KeyPair): string {
  const name = 'virtwright-standalone';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(authority) } }],
    users: [{ name, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
