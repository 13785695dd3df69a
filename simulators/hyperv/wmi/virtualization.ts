import type { WmiNamespace } from '../cim/namespace.js';
import type { CimObject, Values } from '../cim/object.js';
import type { Host } from '../model/host.js';
import { type Methods, meetReturn } from './methods.js';

interface Shown {
  instances(isMeant: (className: string) => boolean): readonly CimObject[];
  associated(of: CimObject): readonly (readonly [assocClass: string, other: CimObject])[];
  /** Where anything of it can be written. */
  readonly put?: (target: CimObject, given: Values) => boolean;
}

/** The namespace of Hyper-V, in either version. */
export function virtualizationNamespace(host: Host, shown: Shown, methods: Methods, hasEvents: boolean): WmiNamespace {
  const { classes, namespace } = host.words;
  return {
    name: namespace,
    classes,
    instances: (className) => shown.instances((each) => classes.isA(each, className)),
    associated: (of) => shown.associated(of),
    async invoke(target, method, input) {
      const found = methods[`${target.className}.${method}`] ?? methods[`${classes.find(target.className)?.parent}.${method}`];
      return found === undefined ? undefined : (meetReturn(host, method) ?? found(target, input));
    },
    put: (target, given) => shown.put?.(target, given) ?? false,
    listen: hasEvents ? host.listen : undefined,
  };
}
