import type { Hypervisor } from '#crds/types.js';
import { DriverError } from '#drivers/error.js';
import type { Drivers, Target } from '#drivers/target.js';
import { isCopyFor, type Secret } from './secrets.js';

/** How a host is to be reached, or why it is not to be tried. */
export type Way = { readonly kind: 'open'; readonly target: Target } | { readonly kind: 'closed'; readonly failure: DriverError };

export type KeysOf = Drivers['credentialKeys'];

/** Whether credentials are to be brought to this host: it takes some, and a Secret is named. */
export function needsCopy({ spec }: Hypervisor, keysOf: KeysOf): boolean {
  return spec.credentialsSecretName !== undefined && takesAny(spec.uri, keysOf);
}

/** `copy` is what the controller made of the Secret; undefined when there is none. */
export function wayTo(hypervisor: Hypervisor, copy: Secret | undefined, namespace: string, keysOf: KeysOf): Way {
  const { uri, credentialsSecretName: named } = hypervisor.spec;
  const { required, optional } = keysOf(uri);
  if (named === undefined) return required.length === 0 ? open({ uri }) : closed('Invalid', unnamed(uri, required));
  if (!takesAny(uri, keysOf)) return closed('Invalid', unwanted(uri, named));
  const source = `Secret "${named}" in namespace "${namespace}"`;
  if (copy === undefined || !isCopyFor(hypervisor, copy))
    return closed('CredentialsMissing', `${source} has not been handed to this host yet; see that the controller runs`);
  const missing = required.filter((key) => !copy.data.has(key));
  if (copy.data.only([...required, ...optional]).keys.length === 0)
    return closed('CredentialsMissing', `there is no ${source} with ${list([...required, ...optional])}`);
  if (missing.length > 0) return closed('CredentialsMissing', `${source} has no ${list(missing)}`);
  return open({ uri, credentials: copy.data.only([...required, ...optional]) });
}

export function isSameWay(one: Way | undefined, other: Way | undefined): boolean {
  if (one?.kind === 'open' && other?.kind === 'open') return isSameTarget(one.target, other.target);
  if (one?.kind === 'closed' && other?.kind === 'closed') return one.failure.message === other.failure.message;
  return one === other;
}

function isSameTarget(one: Target, other: Target): boolean {
  if (one.uri !== other.uri) return false;
  if (one.credentials === undefined || other.credentials === undefined) return one.credentials === other.credentials;
  return one.credentials.equals(other.credentials);
}

function takesAny(uri: string, keysOf: KeysOf): boolean {
  const { required, optional } = keysOf(uri);
  return required.length + optional.length > 0;
}

const open = (target: Target): Way => ({ kind: 'open', target });
export const closed = (code: 'Invalid' | 'CredentialsMissing', message: string): Way => ({
  kind: 'closed',
  failure: new DriverError(code, message),
});

const list = (keys: readonly string[]): string => `${keys.length === 1 ? 'key' : 'keys'} ${keys.map((key) => `"${key}"`).join(', ')}`;

const schemeOf = (uri: string): string => uri.slice(0, uri.indexOf(':') + 1);

const unwanted = (uri: string, named: string): string =>
  `spec.credentialsSecretName: "${named}" was given, but ${schemeOf(uri)} takes no credentials; leave it out`;
const unnamed = (uri: string, required: readonly string[]): string =>
  `spec.credentialsSecretName: nothing was given, but ${schemeOf(uri)} needs credentials; name a Secret with ${list(required)}`;
