import type { Condition } from '#crds/types.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Log } from '../log.js';

interface Told {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const readyOf = ({ status }: Told): Condition | undefined => status?.conditions?.find(({ type }) => type === 'Ready');

/** Writes a line for each object that has come to another state: never for one that stays as it is, however often it is looked at. */
export function logTransitions<R extends Told>(
  kind: string,
  store: ReadonlyStore<R>,
  log: Pick<Log, 'info'>,
  isTold: (object: R) => boolean = () => true,
): void {
  store.subscribe((change) => {
    if (change.kind === 'deleted' && isTold(change.previous)) log.info(`${kind} went away`, nameOf(change.previous));
    if (change.kind !== 'updated' || !isTold(change.object)) return;
    const [before, now] = [readyOf(change.previous), readyOf(change.object)];
    if (now === undefined || (before?.status === now.status && before.reason === now.reason)) return;
    const { reason, status: ready, message } = now;
    const from = before === undefined ? {} : { from: before.reason };
    log.info(`${kind} became ${reason}`, { ...nameOf(change.object), ...from, ready, ...(message === '' ? {} : { because: message }) });
  });
}

const nameOf = ({ metadata: { name, namespace } }: Told) => (namespace === undefined ? { name } : { namespace, name });
