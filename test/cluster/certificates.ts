import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Files in PEM form. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const openssl = (folder: string, ...args: readonly string[]) => run('openssl', [...args], { cwd: folder });
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

/** Makes an authority in the folder: `ca.crt`, `ca.key`. */
export async function createAuthority(folder: string): Promise<KeyPair> {
  const extensions = ['-addext', 'keyUsage=critical,keyCertSign,digitalSignature'];
  await openssl(
    folder,
    'req',
    '-x509',
    ...newKey,
    '-days',
    '30',
    '-subj',
    '/CN=test-ca',
    ...extensions,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  return { cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
}

/** A certificate for loopback servers, or for a client: `subject` is `/O=group/CN=user`. Fewer than no days: it has expired. */
export async function issue(
  folder: string,
  name: string,
  subject: string,
  usage: 'serverAuth' | 'clientAuth',
  { days = 30, names: called = 'IP:127.0.0.1,DNS:localhost' }: { readonly days?: number; readonly names?: string } = {},
): Promise<KeyPair> {
  const names = usage === 'serverAuth' ? `\nsubjectAltName=${called}` : '';
  await writeFile(join(folder, `${name}.ext`), `extendedKeyUsage=${usage}${names}\n`);
  await openssl(folder, 'req', ...newKey, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  // Not from a file of the authority's: two that are issued at once would share it.
  const serial = `0x${randomBytes(15).toString('hex')}`;
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', serial, '-days', `${days}`, '-extfile', `${name}.ext`];
  await openssl(folder, 'x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`);
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

/** The key that signs service account tokens: `name.key`, and `name.pub`. */
export async function createSigningKey(folder: string, name: string): Promise<void> {
  await openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  await openssl(folder, 'ec', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`);
}
