import type { HostDescription } from '#drivers/driver.js';
import type { HostView } from './host/view.js';
import type { KubernetesObject } from './kubernetes/resource.js';
import type { AnyAction } from './plan.js';

/** Something that is about to be done. */
export interface ToldAct {
  readonly kind: string;
  readonly object: KubernetesObject;
  readonly action: AnyAction;
  readonly because: string;
  readonly host: { readonly view: HostView; readonly description: HostDescription };
}

/** Looks, and what is but written down beside an act that is told of. */
export const unspoken: ReadonlySet<string> = new Set(['note', 'look', 'inspect', 'begin']);
