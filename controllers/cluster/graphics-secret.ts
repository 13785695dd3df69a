import { randomInt } from 'node:crypto';
import { type VirtualMachine, virtualMachines } from '#crds/types.js';
import { Credentials } from '#drivers/target.js';
import { graphicsSecretOf } from '../guest-secrets.js';
import { ApiError, type Client } from '../kubernetes/client.js';
import { isOwnedBy, ownedBy } from '../kubernetes/resource.js';
import { decodeSecret, encodeData, type Secret, secrets } from '../secrets.js';

/** To be read from one screen and typed at another: none that looks like another. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
/** All that VNC heeds. */
const passwordLength = 8;

/**
 * The Secret with the password of a machine's graphics: `there`, if somebody named one, or if it is the machine's own; else one is made, once,
 * which goes with the machine. What lies there under the machine's name and is not its own has somebody else's secrets in it.
 */
export async function graphicsSecret(
  machine: VirtualMachine,
  there: Secret | undefined,
  client: Client,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const secret = graphicsSecretOf(machine);
  if (secret === undefined || machine.spec.devices?.graphics?.passwordSecretRef !== undefined) return there;
  if (there !== undefined) return isOwnedBy(there.metadata, machine.metadata) ? there : undefined;
  try {
    return decodeSecret(await client.create(secrets, newSecret(machine, secret), signal));
  } catch (reason) {
    // Somebody was quicker: it is looked at the next time.
    if (ApiError.is(reason, 'AlreadyExists')) return undefined;
    throw reason;
  }
}

function newSecret(machine: VirtualMachine, secret: NonNullable<ReturnType<typeof graphicsSecretOf>>) {
  const password = Array.from({ length: passwordLength }, () => letters[randomInt(letters.length)]).join('');
  return {
    metadata: {
      name: secret.name,
      namespace: machine.metadata.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'virtwright' },
      ownerReferences: [ownedBy(virtualMachines, machine.metadata)],
    },
    data: encodeData(new Credentials([[secret.key, Buffer.from(password)]])),
  };
}
