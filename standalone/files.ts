import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair, Subject } from './certificates.js';
import { writePrivate } from './private-file.js';

/** What a server has in its folder. All of it is for its owner alone. */
export interface Files {
  readonly objects: string;
  /** What Secrets are sealed with, unless that lies elsewhere. */
  readonly sealingKey: string;
  readonly kubeconfig: string;
}

export async function prepareFolder(folder: string): Promise<Files> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  return { objects: join(folder, 'objects.mdb'), sealingKey: join(folder, 'sealing.key'), kubeconfig: join(folder, 'kubeconfig') };
}

export interface Identities {
  /** In PEM form. */
  readonly authority: string;
  readonly server: KeyPair;
  readonly admin: KeyPair;
}

/** A certificate is renewed when it has less than this left, in milliseconds. */
const renewedBeforeMs = 30 * 24 * 60 * 60_000;

/** Made where they are not there, do not belong together, or are about to expire. */
export async function prepareIdentities(folder: string): Promise<Identities> {
  const authority = await pairIn(folder, 'ca', undefined, async () => (await maker()).makeAuthority('virtwright-standalone'));
  const leaf = (name: string, subject: Subject) =>
    pairIn(folder, name, authority.certificate, async () => (await maker()).issue(authority, subject));
  const server = await leaf('server', { name: 'CN=localhost', use: 'server', hosts: ['127.0.0.1', 'localhost', '::1'] });
  const admin = await leaf('admin', { name: 'O=system:masters, CN=admin', use: 'client' });
  return { authority: authority.certificate, server, admin };
}

/** Loaded only where something is to be made: that takes as long as all else of a start. */
const maker = () => import('./certificates.js');

async function pairIn(folder: string, name: string, issuer: string | undefined, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const [certificatePath, keyPath] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const known = await Promise.all([readFile(certificatePath, 'utf8'), readFile(keyPath, 'utf8')]).catch(() => undefined);
  if (known !== undefined && isGood(known[0], known[1], issuer)) return { certificate: known[0], key: known[1] };
  const made = await make();
  await writePrivate(keyPath, made.key);
  await writePrivate(certificatePath, made.certificate);
  return made;
}

/** Whoever was killed between two files left a key that is not its certificate's; and a new authority's leaves are new. */
function isGood(certificate: string, key: string, issuer: string | undefined): boolean {
  try {
    const read = new X509Certificate(certificate);
    const isIssued = issuer === undefined || read.verify(new X509Certificate(issuer).publicKey);
    return isIssued && read.checkPrivateKey(createPrivateKey(key)) && Date.parse(read.validTo) - Date.now() > renewedBeforeMs;
  } catch {
    return false;
  }
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
