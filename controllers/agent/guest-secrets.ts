import type { Hypervisor } from '#crds/types.js';
import { entryOf, fullAnnotation, guestSecretOf, isGuestSecret, type SecretField } from '../guest-secrets.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import { decodeSecret, type Secret, secrets } from '../secrets.js';
import type { SecretValue, SecretValues } from '../virtual-machine/seed.js';
import { type Watched, watch } from '../watched.js';

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

/** What the controller handed to this host of tenants' Secrets. Watched from when it is first needed: most agents have no right to it. */
export function watchGuestSecrets(options: GuestSecretsOptions, signal: AbortSignal): SecretValues {
  const { name, namespace } = options;
  const secret = `Secret "${guestSecretOf(name)}" in namespace "${namespace}"`;
  let watched: Watched<Secret> | undefined;
  let trouble: unknown;
  const onTrouble = (message: string, error: unknown) => {
    trouble = error;
    options.onTrouble(message, error);
  };
  return (uid, field) => {
    watched ??= watchCopy({ ...options, onTrouble }, signal);
    if (!watched.reflector.hasSynced) return missing(unread(secret, trouble));
    const copy = watched.store.get(`${namespace}/${guestSecretOf(name)}`);
    return copy === undefined || !isFor(options.hypervisor(), copy)
      ? missing(`not handed to ${name} yet; see that the controller runs`)
      : valueIn(copy, uid, field);
  };
}

function watchCopy({ name, client, namespace, onChange, onTrouble }: GuestSecretsOptions, signal: AbortSignal): Watched<Secret> {
  const selection = { namespace, fieldSelector: `metadata.name=${guestSecretOf(name)}` };
  const watched = watch({ client, resource: secrets, decode: decodeSecret, selection, onTrouble }, signal);
  watched.store.subscribe(onChange);
  watched.reflector.synced.then(onChange, () => {});
  return watched;
}

const isFor = (hypervisor: Hypervisor | undefined, copy: Secret): boolean =>
  isGuestSecret(copy) && copy.metadata.ownerReferences?.some(({ uid }) => uid === hypervisor?.metadata.uid) === true;

/** The copy's own uid is known to nobody who may not read it. */
function valueIn({ metadata, data }: Secret, uid: string, field: SecretField): SecretValue {
  const bytes = data.get(entryOf(uid, field));
  if (bytes !== undefined) return { kind: 'value', bytes, salt: metadata.uid };
  return metadata.annotations?.[fullAnnotation] === 'true'
    ? missing('the guests of this host are told more than one Secret holds, 900Ki; make their user data smaller, or use another host')
    : missing('there is none in the namespace of the machine, or it was not handed over yet');
}

const unread = (secret: string, trouble: unknown): string =>
  ApiError.is(trouble, 'Forbidden')
    ? `the agent may not read ${secret}: give its account a Role for it, as in manifests/rights-for-one-host.yaml`
    : `${secret} was not read yet`;
