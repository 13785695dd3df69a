import type { Hypervisor } from '#crds/types.js';

/** By which somebody vouches that a host is off for good and nothing on it writes to any disk: it was fenced. */
export const outOfServiceAnnotation = 'virtwright.io/out-of-service';
/** The one value that is taken for that word. */
export const fenced = 'Fenced';
/** Of a Hypervisor; written by the controller alone. True: what is bound to it may be let go. */
export const outOfService = 'OutOfService';

type Host = Pick<Hypervisor, 'metadata' | 'status'>;

/** What somebody said of the host; undefined when nobody did. */
export const wordOf = ({ metadata }: Pick<Hypervisor, 'metadata'>): string | undefined => metadata.annotations?.[outOfServiceAnnotation];

/** Whether what is bound to the host may be given to others: somebody vouched for it, and its agent does not reach it. */
export const isLetGo = ({ status }: Host): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === outOfService && is === 'True') === true;

/**
 * Whether the host's agent keeps its hands off: nothing is placed or started there. From the word on, and until the controller has said
 * that it lets nothing go any more.
 */
export const isOutOfService = (host: Host): boolean => wordOf(host) !== undefined || isLetGo(host);

/** The reason of Connected while the agent does not reach the host and would do nothing there if it did. */
export const stoodBack = 'StoodBack';
