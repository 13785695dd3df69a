import type { Hypervisor } from '#crds/types.js';
import { entryOf, fullAnnotation, guestSecretOf, isGuestSecret, type SecretField } from '../guest-secrets.js';
import type { Client } from '../kubernetes/client.js';
import { isOwnedBy } from '../kubernetes/resource.js';
import type { Secret } from '../secrets.js';
import type { SecretValue, SecretValues } from '../virtual-machine/seed.js';
import { watchOneSecret } from './one-secret.js';

export interface GuestSecretsOptions {
  readonly name: string;
  readonly client: Client;
  readonly namespace: string;
  readonly hypervisor: () => Hypervisor | undefined;
  /** What was handed over changed. */
  readonly onChange: () => void;
  readonly onTrouble: (message: string, error: unknown) => void;
}

const missing = (because: string): SecretValue => ({ kind: 'missing', because });

/** What the controller handed to this host of tenants' Secrets. */
export function watchGuestSecrets(
  { name, client, namespace, hypervisor, ...told }: GuestSecretsOptions,
  signal: AbortSignal,
): SecretValues {
  const secret = guestSecretOf(name);
  const seen = watchOneSecret({ client, namespace, name: secret, ...told }, signal);
  return (uid, field) => {
    const copy = seen();
    if (typeof copy === 'string') return missing(copy);
    if (copy === undefined) return missing(`Secret "${secret}" in namespace "${namespace}" was not read yet`);
    return copy.secret === undefined || !isFor(hypervisor(), copy.secret)
      ? missing(`not handed to ${name} yet; see that the controller runs`)
      : valueIn(copy.secret, uid, field);
  };
}

const isFor = (hypervisor: Hypervisor | undefined, copy: Secret): boolean =>
  isGuestSecret(copy) && isOwnedBy(copy.metadata, hypervisor?.metadata);

/** The copy's own uid is known to nobody who may not read it. */
function valueIn({ metadata, data }: Secret, uid: string, field: SecretField): SecretValue {
  const bytes = data.get(entryOf(uid, field));
  if (bytes !== undefined) return { kind: 'value', bytes, salt: metadata.uid };
  return metadata.annotations?.[fullAnnotation] === 'true'
    ? missing('the guests of this host are told more than one Secret holds, 900Ki; make their user data smaller, or use another host')
    : missing('there is none in the namespace of the machine, or it was not handed over yet');
}
