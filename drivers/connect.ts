import { DriverError } from './error.js';
import { type Connect, type CredentialKeys, noCredentials, type Rehearse, type Rehearsing } from './target.js';

interface Entry {
  readonly connect: Connect;
  /** Said here, so that who copies credentials loads no driver. */
  readonly credentialKeys: (uri: string) => CredentialKeys;
}

/** Loaded only when a host needs it: an agent for one kind of host carries nothing of the others. */
const libvirt: Entry = {
  credentialKeys: (uri) => (isBySsh(uri) ? bySsh : isByTls(uri) ? byTls : byPassword),
  connect: async ({ uri, credentials }, signal) => {
    const { connectLibvirtDriver } = await import('./libvirt/driver.js');
    return connectLibvirtDriver(uri, credentials, { signal });
  },
};

/** As libvirt has it, a host without a transport is reached by TLS. */
const isByTls = (uri: string): boolean => /^[a-z0-9]+([+]tls:|:[/][/][^/])/i.test(uri);

const isBySsh = (uri: string): boolean => /^[a-z0-9]+[+]ssh:/i.test(uri);

/** For a daemon that asks for them, by SASL. */
const login = ['username', 'password'] as const;
const byPassword: CredentialKeys = { required: [], optional: login };
const bySsh: CredentialKeys = { required: ['ssh-privatekey', 'known_hosts'], optional: ['passphrase', ...login] };
/** An account, or a certificate that is mapped to one. */
const byHttps: CredentialKeys = { required: [], optional: [...login, 'tls.crt', 'tls.key', 'ca.crt', 'sha256'] };
const byTls: CredentialKeys = { required: ['ca.crt'], optional: ['tls.crt', 'tls.key', ...login] };

const vsphere: Entry = {
  credentialKeys: () => ({ required: ['username', 'password'], optional: ['ca.crt', 'sha256'] }),
  connect: async ({ uri, credentials }, signal) => {
    const { connectVsphereDriver } = await import('./vsphere/driver.js');
    return connectVsphereDriver(uri, credentials, { signal });
  },
};

const hyperv: Entry = {
  credentialKeys: (uri) => {
    if (/[?&]transport=http(&|$)/i.test(uri)) return { required: login, optional: [] };
    const known = ['ca.crt', 'sha256'];
    if (/[?&]auth=kerberos(&|$)/i.test(uri)) return { required: ['username'], optional: ['password', 'keytab', ...known] };
    return /[?&]auth=basic(&|$)/i.test(uri) ? { required: login, optional: known } : byHttps;
  },
  connect: async ({ uri, credentials }, signal) => {
    const { connectHypervDriver } = await import('./hyperv/driver.js');
    return connectHypervDriver(uri, credentials, { signal });
  },
};

/** For demonstrations and tests: what runs there is nowhere but in this process's memory. */
const fake: Entry = {
  credentialKeys: () => noCredentials,
  connect: async ({ uri }) => {
    const { connectInMemory } = await import('./fake/driver.js');
    return connectInMemory(uri);
  },
};

/** By the URI's scheme, up to its transport: `qemu`, as in `qemu+unix:///system`. */
const drivers: Readonly<Record<string, Entry>> = {
  qemu: libvirt,
  lxc: libvirt,
  xen: libvirt,
  test: libvirt,
  bhyve: libvirt,
  ch: libvirt,
  vbox: libvirt,
  vz: libvirt,
  esx: vsphere,
  vpx: vsphere,
  hyperv,
  fake,
};

/** The driver for the host behind the target's URI. Invalid, naming the schemes that are accepted, for any other. */
export const connect: Connect = async (target, signal) => {
  const entry = entryOf(target.uri);
  if (entry !== undefined) return entry.connect(target, signal);
  const accepted = Object.keys(drivers).map((each) => `${each}:`);
  throw new DriverError('Invalid', `uri: "${withoutUser(target.uri)}" was given; accepted schemes: ${accepted.join(', ')}`);
};

/** Keys of the Secret that the driver for this URI reads. None for a URI that no driver is for. */
export const credentialKeys = (uri: string): CredentialKeys => entryOf(uri)?.credentialKeys(uri) ?? noCredentials;

function entryOf(uri: string): Entry | undefined {
  const scheme = /^([a-z][a-z0-9]*)(?=[+:])/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
}

/** Someone may have put a password there, and messages go far. */
function withoutUser(uri: string): string {
  return uri.replace(/\/\/[^/]*@/, '//');
}

export const rehearse: Rehearse = async (real, noted, signal) => (await import('./rehearsal/driver.js')).rehearse(real, noted, signal);

export const rehearsing: Rehearsing =
  (reach, { noted, reached }) =>
  async (target, signal) => {
    const real = await reach(target, signal);
    reached?.(real);
    return rehearse(real, noted, signal);
  };
